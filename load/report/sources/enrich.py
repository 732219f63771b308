"""Adds the samples that exist only after a run: the runtime's own metrics and those of the stand-ins."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any, Final

import psycopg2

from fixtures.runtime_client.api import Api
from load import messages
from load.messages import Message, of_kind
from load.metrics import Metric
from load.report.sources import runtime_metrics as rows
from load.report.sources import wire

# Errors of a database that is gone, or that is not the runtime's.
UNREADABLE: Final = (sqlite3.Error, psycopg2.Error, AssertionError, KeyError, ValueError)


async def enriched(journal: Sequence[Message]) -> list[Message]:
    """The additional samples, and a trouble for each unreadable source; adds `parts` to the turns."""
    plan = of_kind(journal, messages.PLAN)[0]
    found = await _of_runtime(journal, plan)
    if plan["stand_ins"]:
        found += _of_stand_ins(journal, plan["stand_ins"])
    return found


async def _of_runtime(journal: Sequence[Message], plan: Message) -> list[Message]:
    found: list[Message] = []
    async with Api(plan["api"], os.environ.get("LOAD_API_KEY", "")) as api:
        try:
            for call in of_kind(journal, messages.CALL_OVER):
                if call["session"] is None:
                    continue
                if plan["database"]:
                    values = await rows.of_database(plan["database"], call["session"])
                else:
                    values = await rows.of_api(api, call["session"])
                found += _samples(call["call"], call["ended"], values)
        except UNREADABLE as error:
            # No further calls are tried: each might take as long to fail.
            found.append(_trouble("the runtime's own metrics are missing", error))
    return found


def _of_stand_ins(journal: Sequence[Message], url: str) -> list[Message]:
    try:
        turns = list(wire.moments_of(of_kind(journal, messages.TURN), wire.recordings(url)))
    except (OSError, ValueError, KeyError, HTTPException) as error:
        return [_trouble("the stand-ins' recordings are missing", error)]
    found: list[Message] = []
    for turn, moments in turns:
        parts = moments.parts()
        turn["parts"] = {part: round(ms, 1) for part, ms in parts.items()}
        values: Mapping[Metric, float] = {**parts, Metric.OVERHEAD: moments.overhead()}
        found += _samples(turn["call"], turn["spoke_until"], values)
    return found


def _trouble(consequence: str, error: Exception) -> Message:
    first_line = str(error).partition("\n")[0]
    return {"kind": messages.TROUBLE, "why": f"{consequence}: {type(error).__name__}: {first_line}"}


def _samples(call: str, at: float, values: Mapping[Metric, float]) -> list[Message]:
    shared: dict[str, Any] = {"kind": messages.SAMPLE, "call": call, "at": at, "error": None}
    return [{**shared, "stage": metric, "ms": round(ms, 2)} for metric, ms in values.items()]
