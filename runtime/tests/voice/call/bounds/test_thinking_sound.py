"""A sound plays while the agent thinks for longer: soon after the turn, never over the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from agent_runtime.agents.calls.limits import ThinkingSound
from agent_runtime.voice.call.bounds.thinking_sound import DELAY, ThinkingSoundPlayer

from .talking_session import TalkingSession


class Output:
    """A track that says when it is filled."""

    def __init__(self) -> None:
        self.filled = asyncio.Event()
        self.clips: list[bytes] = []

    def fill(self, sound: bytes) -> None:
        """Record the clip."""
        self.clips.append(sound)
        self.filled.set()

    def stop_filling(self) -> None:
        """Record it."""
        self.filled.clear()


class Call:
    """A session with the companion."""

    def __init__(self, sound: ThinkingSound) -> None:
        self.session = TalkingSession()
        self.output = Output()
        self.player = ThinkingSoundPlayer(sound, self.output)  # type: ignore[arg-type]
        self.player.listen_to(self.session)

    async def loaded(self) -> None:
        """Wait until the clip is there."""
        assert self.player._loading is not None
        await self.player._loading


@pytest.mark.parametrize("sound", [ThinkingSound.KEYBOARD, ThinkingSound.MUSIC])
async def test_an_agent_that_thinks_is_heard(sound: ThinkingSound) -> None:
    """Within 0.7 s of the end of the turn the clip plays, until the agent speaks."""
    call = Call(sound)
    await call.loaded()
    began = asyncio.get_running_loop().time()
    call.session.agent_is("thinking")
    async with asyncio.timeout(5):
        await call.output.filled.wait()
    assert asyncio.get_running_loop().time() - began + 0.01 >= DELAY
    assert DELAY < 0.7
    assert len(call.output.clips[0]) > 24_000  # half a second of samples
    call.session.agent_is("speaking", "thinking")
    assert not call.output.filled.is_set()


@pytest.mark.parametrize(
    "end",
    [
        lambda call: call.session.agent_is("speaking", "thinking"),
        lambda call: call.session.agent_is("listening", "thinking"),
    ],
)
async def test_a_quick_answer_has_no_sound_before_it(end: Callable[[Call], None]) -> None:
    """An answer that comes sooner, or a turn without one, plays nothing."""
    call = Call(ThinkingSound.KEYBOARD)
    await call.loaded()
    call.session.agent_is("thinking")
    end(call)
    await asyncio.sleep(DELAY * 1.5)
    assert call.output.clips == []


async def test_nothing_plays_after_the_end() -> None:
    """A call that closes while the agent thinks plays nothing more."""
    call = Call(ThinkingSound.KEYBOARD)
    await call.loaded()
    call.session.agent_is("thinking")
    await call.player.close(None)  # type: ignore[arg-type]
    await asyncio.sleep(DELAY * 1.5)
    assert call.output.clips == []
