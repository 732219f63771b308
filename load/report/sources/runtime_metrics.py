"""What the runtime says of each call: the row of session_metrics, or its API where there is no database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from fixtures.runtime_client.api import Api, ApiError
from fixtures.runtime_client.rows import Rows
from load.metrics import Metric

COLUMNS: Final[Mapping[Metric, str]] = {
    Metric.RUNTIME_STT: "avg_stt_latency",
    Metric.RUNTIME_LLM: "avg_llm_latency",
    Metric.RUNTIME_TTS: "avg_tts_latency",
}
METADATA: Final[Mapping[Metric, str]] = {
    Metric.RUNTIME_END_OF_TURN: "avg_end_of_turn_latency",
    Metric.RUNTIME_RESPONSE: "avg_response_latency",
}


async def of_database(url: str, session_id: str) -> dict[Metric, float]:
    """Means of the session's turns, milliseconds; what was never measured is left out."""
    row = await Rows(url).metrics(session_id)
    if row is None:
        return {}
    found: dict[Metric, Any] = {metric: row[column] for metric, column in COLUMNS.items()}
    found |= {metric: row["metadata"].get(name) for metric, name in METADATA.items()}
    return {metric: float(value) for metric, value in found.items() if value}


async def of_api(api: Api, session_id: str) -> dict[Metric, float]:
    """The mean response of the session's turns, all that the API tells."""
    try:
        async with asyncio.timeout(10):
            latency = (await api.session_metrics(session_id))["avgLatency"]
    except (ApiError, aiohttp.ClientError, TimeoutError, KeyError, ValueError):
        return {}  # another service than ours may not tell
    return {Metric.RUNTIME_RESPONSE: float(latency)} if latency else {}
