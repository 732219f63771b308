"""Samples that nobody could take during the run: the runtime's own figures and the stand-ins'."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from e2e.api import Api
from load import messages
from load.messages import Message, of_kind
from load.report import rows, wire
from load.stages import Stage


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
        for call in of_kind(said, messages.CALL_OVER):
            if call["session"] is None:
                continue
            if plan["database"]:
                figures = await rows.of_database(plan["database"], call["session"])
            else:
                figures = await rows.of_api(api, call["session"])
            found += _samples(call["call"], call["ended"], figures)
    return found


def _of_stand_ins(said: Sequence[Message], url: str) -> list[Message]:
    try:
        seen = wire.recordings(url)
    except OSError as error:
        return [{"kind": messages.TROUBLE, "why": f"the stand-ins' recordings are gone: {error}"}]
    found: list[Message] = []
    for turn, moments in wire.moments_of(of_kind(said, messages.TURN), seen):
        parts = moments.parts()
        turn["parts"] = {part: round(ms, 1) for part, ms in parts.items()}
        figures: Mapping[Stage, float] = {**parts, Stage.OVERHEAD: moments.overhead()}
        found += _samples(turn["call"], turn["spoke_until"], figures)
    return found


def _samples(call: str, at: float, figures: Mapping[Stage, float]) -> list[Message]:
    shared: dict[str, Any] = {"kind": messages.SAMPLE, "call": call, "at": at, "error": None}
    return [{**shared, "stage": stage, "ms": round(ms, 2)} for stage, ms in figures.items()]
