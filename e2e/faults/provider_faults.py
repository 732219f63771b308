"""Steps of calls whose providers fail."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp

from e2e.faults.call import Call
from fixtures.speech import ANSWERS, clip

STAGES: Final = ("stt", "llm", "tts")
LONGEST_SILENCE: Final = 5.0  # seconds after the caller's last sample in which the agent must speak


@asynccontextmanager
async def fault(
    providers: str, stage: str, kind: str, times: int | None = None
) -> AsyncIterator[None]:
    """Let a stage of the stand-ins at the URL `providers` fail as long as the context is open."""
    query = "" if times is None else f"?times={times}"
    async with aiohttp.ClientSession(providers) as http:
        (await http.put(f"/faults/{stage}/{kind}{query}")).raise_for_status()
        try:
            yield
        finally:
            (await http.delete("/faults")).raise_for_status()


async def is_not_left_in_silence(call: Call, question: str) -> str | None:
    """Ask the question, and check that the agent speaks in time; returns the recognised sentence."""
    caller = call.person.caller
    caller.forget()
    spoken = await caller.say(clip(question))
    heard = await caller.hear()
    silence = heard.began_at - spoken.ended_at
    assert silence < LONGEST_SILENCE, f"{silence:.1f} s of silence"
    return await call.person.recognise(heard)


async def is_answered_or_asked_again(call: Call, question: str) -> None:
    """Ask the question; after an apology repeat it. Checks that the agent gives the right answer."""
    heard = await is_not_left_in_silence(call, question)
    if heard == ANSWERS["repeat"]:
        heard = await is_not_left_in_silence(call, question)
    assert heard == ANSWERS[question]


async def is_sent_away(call: Call, stage: str, since: float) -> None:
    """Check that the caller hears the farewell in time, the agent leaves, and the row names the stage."""
    heard = await call.person.caller.hear()
    assert heard.began_at - since < LONGEST_SILENCE
    assert await call.person.recognise(heard) == ANSWERS["farewell"]
    await call.person.caller.agent_left()
    row = await call.testbed.rows.session_when(
        call.session_id, lambda row: row["status"] == "error"
    )
    assert row["metadata"]["reason"].startswith(f"a provider failed: {stage.upper()}")


async def speak(call: Call, question: str) -> float:
    """Ask the question; returns the time of the end of its last sample (monotonic seconds)."""
    call.person.caller.forget()
    return (await call.person.caller.say(clip(question))).ended_at


def now() -> float:
    """The time by the callers' clock (monotonic seconds)."""
    return time.monotonic()
