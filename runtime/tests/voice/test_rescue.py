"""Nobody waits in silence: what is said when no answer comes."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from livekit.agents import AgentSession, AgentStateChangedEvent, UserStateChangedEvent

from agent_runtime.voice.apologies import repeat
from agent_runtime.voice.rescue import SHORTEST_SPEECH, Rescue

SILENCE = 0.6


class Handle:
    """Something that is spoken at once."""

    async def wait_for_playout(self) -> None:
        """It has been."""


class Session(AgentSession[None]):
    """Writes down what is said."""

    def __init__(self) -> None:
        super().__init__()
        self.said: asyncio.Queue[str] = asyncio.Queue()

    def say(self, text: Any, **_given: Any) -> Any:
        """Of the session."""
        self.said.put_nowait(text)
        return Handle()

    def interrupt(self, *, force: bool = False) -> asyncio.Future[None]:
        """Nothing is being said."""
        del force
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def hears(self, seconds: float) -> None:
        """The caller makes a sound of that length."""
        for old, new in (("listening", "speaking"), ("speaking", "listening")):
            states = {"old_state": cast("Any", old), "new_state": cast("Any", new)}
            self.emit("user_state_changed", UserStateChangedEvent(**states))
            if new == "speaking":
                await asyncio.sleep(seconds)

    def speaks(self) -> None:
        """The agent is heard."""
        event = AgentStateChangedEvent(old_state="thinking", new_state="speaking")
        self.emit("agent_state_changed", event)


@pytest.fixture
async def session() -> Session:
    """One that is watched over."""
    made = Session()
    Rescue(SILENCE, pytest.fail).listen_to(made)
    return made


async def test_without_an_answer_the_caller_is_asked_again(session: Session) -> None:
    """When the time is over."""
    await session.hears(SHORTEST_SPEECH)
    async with asyncio.timeout(SILENCE + 1):
        assert await session.said.get() == repeat().text


async def test_a_sound_does_not_call_it_off(session: Session) -> None:
    """A cough, or what was taken for a voice for a moment, is not answered; the words before it are."""
    await session.hears(SHORTEST_SPEECH)
    before = asyncio.get_running_loop().time()
    await session.hears(0.3)
    async with asyncio.timeout(SILENCE + 1):
        await session.said.get()
    assert asyncio.get_running_loop().time() - before < SILENCE + 0.2  # as if it had not been


async def test_an_answer_calls_it_off(session: Session) -> None:
    """Also for a sound after it."""
    await session.hears(SHORTEST_SPEECH)
    session.speaks()
    await session.hears(0.05)
    await asyncio.sleep(SILENCE * 1.5)
    assert session.said.empty()


async def test_a_cough_alone_is_not_answered(session: Session) -> None:
    """Nothing was waited for."""
    await session.hears(0.05)
    await asyncio.sleep(SILENCE * 1.5)
    assert session.said.empty()
