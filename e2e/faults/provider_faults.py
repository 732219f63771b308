"""Calls whose providers fail."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp

from e2e.faults.call import Call
from fixtures.speech import ANSWERS, clip

STAGES: Final = ("stt", "llm", "tts")
LONGEST_SILENCE: Final = 5.0  # seconds after the caller's last sample


@asynccontextmanager
async def fault(
    providers: str, stage: str, kind: str, times: int | None = None
) -> AsyncIterator[None]:
    """While this lasts, the stage of the stand-ins at the URL fails like this."""
    query = "" if times is None else f"?times={times}"
    async with aiohttp.ClientSession(providers) as http:
        (await http.put(f"/faults/{stage}/{kind}{query}")).raise_for_status()
        try:
            yield
        finally:
            (await http.delete("/faults")).raise_for_status()


async def is_not_left_in_silence(call: Call, question: str) -> str | None:
    """Ask; something is heard in time. Returns what it was."""
    caller = call.person.caller
    caller.forget()
    spoken = await caller.say(clip(question))
    heard = await caller.hear()
    silence = heard.began_at - spoken.ended_at
    assert silence < LONGEST_SILENCE, f"{silence:.1f} s of silence"
    return await call.person.understands(heard)


async def is_answered_or_asked_again(call: Call, question: str) -> None:
    """The right answer, or an apology and, when the caller says it again, the right answer."""
    heard = await is_not_left_in_silence(call, question)
    if heard == ANSWERS["repeat"]:
        heard = await is_not_left_in_silence(call, question)
    assert heard == ANSWERS[question]


async def is_sent_away(call: Call, stage: str, since: float) -> None:
    """The farewell is heard in time, the agent leaves, the row says which stage failed."""
    heard = await call.person.caller.hear()
    assert heard.began_at - since < LONGEST_SILENCE
    assert await call.person.understands(heard) == ANSWERS["farewell"]
    await call.person.caller.agent_left()
    row = await call.testbed.rows.session_when(
        call.session_id, lambda row: row["status"] == "error"
    )
    assert row["metadata"]["reason"].startswith(f"a provider failed: {stage.upper()}")


async def speak(call: Call, question: str) -> float:
    """Ask; returns when the last sample was out."""
    call.person.caller.forget()
    return (await call.person.caller.say(clip(question))).ended_at


def now() -> float:
    """The callers' clock."""
    return time.monotonic()
