"""Samples that nobody could take during the run: the runtime's own figures and the stand-ins'."""

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

# What a database ends with that is gone, or is of another kind than ours.
UNREADABLE: Final = (sqlite3.Error, psycopg2.Error, AssertionError, KeyError, ValueError)


async def enriched(said: Sequence[Message]) -> list[Message]:
    """Further samples, and troubles where a source was gone; turns get their `parts` in place."""
    plan = of_kind(said, messages.PLAN)[0]
    found = await _of_runtime(said, plan)
    if plan["stand_ins"]:
        found += _of_stand_ins(said, plan["stand_ins"])
    return found


async def _of_runtime(said: Sequence[Message], plan: Message) -> list[Message]:
    found: list[Message] = []
    async with Api(plan["api"], os.environ.get("LOAD_API_KEY", "")) as api:
        try:
            for call in of_kind(said, messages.CALL_OVER):
                if call["session"] is None:
                    continue
                if plan["database"]:
                    figures = await rows.of_database(plan["database"], call["session"])
                else:
                    figures = await rows.of_api(api, call["session"])
                found += _samples(call["call"], call["ended"], figures)
        except UNREADABLE as error:
            # Nothing is asked again: it may have taken long to fail.
            found.append(_trouble("the runtime's own figures are missing", error))
    return found


def _of_stand_ins(said: Sequence[Message], url: str) -> list[Message]:
    try:
        turns = list(wire.moments_of(of_kind(said, messages.TURN), wire.recordings(url)))
    except (OSError, ValueError, KeyError, HTTPException) as error:
        return [_trouble("the stand-ins' recordings are gone", error)]
    found: list[Message] = []
    for turn, moments in turns:
        parts = moments.parts()
        turn["parts"] = {part: round(ms, 1) for part, ms in parts.items()}
        figures: Mapping[Metric, float] = {**parts, Metric.OVERHEAD: moments.overhead()}
        found += _samples(turn["call"], turn["spoke_until"], figures)
    return found


def _trouble(what: str, error: Exception) -> Message:
    first_line = str(error).partition("\n")[0]
    return {"kind": messages.TROUBLE, "why": f"{what}: {type(error).__name__}: {first_line}"}


def _samples(call: str, at: float, figures: Mapping[Metric, float]) -> list[Message]:
    shared: dict[str, Any] = {"kind": messages.SAMPLE, "call": call, "at": at, "error": None}
    return [{**shared, "stage": metric, "ms": round(ms, 2)} for metric, ms in figures.items()]
