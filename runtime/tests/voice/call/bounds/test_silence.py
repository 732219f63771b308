"""A silent caller is asked as often as configured, then the call ends with a word and a reason."""

from __future__ import annotations

import asyncio

import pytest

from agent_runtime.agents.calls.phrases import ENGLISH
from agent_runtime.domain.session import CALLER_SILENT
from agent_runtime.voice.call.bounds import last_words
from agent_runtime.voice.call.bounds.silence import SilentCaller

from .talking_session import TalkingSession

TIMEOUT = 0.15


class Call:
    """A session with the companion, and the reasons for which it ended the call."""

    def __init__(self, prompts: int = 1) -> None:
        self.session = TalkingSession()
        self.ended: asyncio.Queue[str] = asyncio.Queue()
        self.companion = SilentCaller(TIMEOUT, prompts, ENGLISH, self.ended.put_nowait)
        self.companion.listen_to(self.session)

    async def next(self) -> str:
        """What the agent says next."""
        async with asyncio.timeout(5):
            return await self.session.said.get()


@pytest.mark.parametrize("prompts", [0, 1, 2])
async def test_a_silent_caller_is_asked_and_let_go(prompts: int) -> None:
    """After each silence the agent asks, as often as configured; then it says good-bye and ends."""
    call = Call(prompts)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await call.companion.caller_arrived(None)
    for _ in range(prompts):
        assert await call.next() == ENGLISH.still_there
    assert await call.next() == ENGLISH.silence_goodbye
    assert loop.time() - began >= TIMEOUT * (prompts + 1) - 0.01
    assert await asyncio.wait_for(call.ended.get(), 5) == CALLER_SILENT
    assert call.session.said.empty()


async def test_nobody_is_asked_before_the_caller_came() -> None:
    """An agent that waits for its caller asks nobody."""
    call = Call()
    await asyncio.sleep(TIMEOUT * 2)
    assert call.session.said.empty()


async def test_speech_of_either_side_is_no_silence() -> None:
    """While the agent thinks or speaks, or the caller speaks, the time does not run."""
    call = Call()
    await call.companion.caller_arrived(None)
    call.session.agent_is("thinking")
    call.session.agent_is("speaking", "thinking")
    await asyncio.sleep(TIMEOUT * 2)
    call.session.agent_is("listening", "speaking")
    call.session.caller_is("speaking")
    await asyncio.sleep(TIMEOUT * 2)
    assert call.session.said.empty()
    call.session.caller_is("listening", "speaking")
    # That the framework calls the caller away is no sound of theirs.
    call.session.caller_is("away", "listening")
    assert await call.next() == ENGLISH.still_there


async def test_words_of_the_caller_start_it_anew() -> None:
    """A caller who answers the question is asked again after the next silence; a noise is no answer."""
    call = Call()
    await call.companion.caller_arrived(None)
    assert await call.next() == ENGLISH.still_there
    call.session.hears("Yes, I am.")
    assert await call.next() == ENGLISH.still_there
    call.session.caller_is("speaking")
    call.session.caller_is("listening", "speaking")
    call.session.hears(" ")
    assert await call.next() == ENGLISH.silence_goodbye


async def test_a_voice_that_fails_does_not_keep_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call ends with its reason, also when the good-bye is never heard."""
    monkeypatch.setattr(last_words, "LONGEST", 0.1)
    call = Call(0)
    call.session.is_stuck = True
    await call.companion.caller_arrived(None)
    assert await asyncio.wait_for(call.ended.get(), 5) == CALLER_SILENT


async def test_a_call_that_is_over_asks_nobody() -> None:
    """After its close the companion says nothing."""
    call = Call()
    await call.companion.caller_arrived(None)
    await call.companion.close(None)  # type: ignore[arg-type]
    await asyncio.sleep(TIMEOUT * 2)
    assert call.session.said.empty()
