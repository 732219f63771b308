"""Reads the runtime's own metrics of a call, from session_metrics or, without a database, from the API."""

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
    """Means over the session's turns, in milliseconds, without metrics that were never measured."""
    row = await Rows(url).metrics(session_id)
    if row is None:
        return {}
    found: dict[Metric, Any] = {metric: row[column] for metric, column in COLUMNS.items()}
    found |= {metric: row["metadata"].get(name) for metric, name in METADATA.items()}
    return {metric: float(value) for metric, value in found.items() if value}


async def of_api(api: Api, session_id: str) -> dict[Metric, float]:
    """The mean response time of the session's turns (ms); the API has no other metric."""
    try:
        async with asyncio.timeout(10):
            latency = (await api.session_metrics(session_id))["avgLatency"]
    except (ApiError, aiohttp.ClientError, TimeoutError, KeyError, ValueError):
        return {}  # a service other than ours may not have it
    return {Metric.RUNTIME_RESPONSE: float(latency)} if latency else {}
