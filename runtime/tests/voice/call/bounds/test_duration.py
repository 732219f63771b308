"""A call ends at its longest duration, with a word to the model before and one to the caller."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from agent_runtime.domain.session import LONGEST_CALL
from agent_runtime.voice.call.bounds import duration
from agent_runtime.voice.call.bounds.duration import NOTICE, LongestCall

from .talking_session import TalkingSession


class Call:
    """A session with the companion, and the reasons for which it ended the call."""

    def __init__(self, limit: float) -> None:
        self.session = TalkingSession()
        self.ended: asyncio.Queue[str] = asyncio.Queue()
        self.companion = LongestCall(limit, "Good-bye.", self.ended.put_nowait)
        self.companion.listen_to(self.session)

    @property
    def knows(self) -> bool:
        """Whether the model has been told."""
        return any(NOTICE in str(one) for one in self.session.agent.chat_ctx.items)


async def test_the_model_is_told_and_the_caller_hears_a_good_bye(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The model learns of the end before it comes; then the agent says good-bye, and the call ends."""
    monkeypatch.setattr(duration, "WARNING", 0.2)
    call = Call(0.4)
    await call.companion.caller_arrived(None)
    await asyncio.sleep(0.1)
    assert not call.knows
    await asyncio.sleep(0.2)
    assert call.knows
    assert call.session.said.empty()
    assert await asyncio.wait_for(call.ended.get(), 5) == LONGEST_CALL
    assert call.session.said.get_nowait() == "Good-bye."
    assert call.session.interrupted == 1


async def test_a_call_that_continues_has_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that the caller talked with an earlier agent counts, but a little is always left."""
    monkeypatch.setattr(duration, "LEAST", 0.2)
    call = Call(3600)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await call.companion.caller_arrived(datetime.now(UTC) - timedelta(hours=2))
    assert await asyncio.wait_for(call.ended.get(), 5) == LONGEST_CALL
    assert loop.time() - began >= 0.19
    assert not call.knows


async def test_a_call_that_is_over_has_no_end() -> None:
    """After its close the companion does nothing."""
    call = Call(0.1)
    await call.companion.caller_arrived(None)
    await call.companion.close(None)  # type: ignore[arg-type]
    await asyncio.sleep(0.2)
    assert call.ended.empty()
