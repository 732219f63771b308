"""Nobody waits in silence: what is said when no answer comes."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from livekit.agents import AgentSession, AgentStateChangedEvent, UserStateChangedEvent

from agent_runtime.voice.call.companions.fallback_clips import repeat
from agent_runtime.voice.call.companions.silence_watchdog import SHORTEST_SPEECH, SilenceWatchdog

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

    def is_now(self, state: str) -> None:
        """The agent is speaking, listening or thinking."""
        event = AgentStateChangedEvent(old_state="initializing", new_state=cast("Any", state))
        self.emit("agent_state_changed", event)


@pytest.fixture
async def session() -> Session:
    """One that is watched over."""
    made = Session()
    SilenceWatchdog(SILENCE, pytest.fail).listen_to(made)
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
    session.is_now("speaking")
    await session.hears(0.05)
    await asyncio.sleep(SILENCE * 1.5)
    assert session.said.empty()


async def test_a_cough_alone_is_not_answered(session: Session) -> None:
    """Nothing was waited for."""
    await session.hears(0.05)
    await asyncio.sleep(SILENCE * 1.5)
    assert session.said.empty()


async def test_an_agent_that_talks_on_is_not_cut_off(session: Session) -> None:
    """Words over its own that do not stop it are no reason to apologise, however long it talks."""
    session.is_now("speaking")
    await session.hears(SHORTEST_SPEECH)
    await asyncio.sleep(SILENCE * 1.5)
    assert session.said.empty()


async def test_what_it_has_heard_and_leaves_without_an_answer_is_not_owed(session: Session) -> None:
    """A murmur, or words to an agent that is not to be interrupted: it was heard to its end."""
    session.is_now("speaking")
    await session.hears(SHORTEST_SPEECH)
    session.is_now("listening")
    await asyncio.sleep(SILENCE * 1.5)
    assert session.said.empty()


@pytest.mark.parametrize("between", [[], ["listening"]], ids=["at once", "after its end"])
async def test_words_over_the_agent_that_become_a_turn_are_owed_an_answer(
    session: Session, between: list[str]
) -> None:
    """The bound counts from when it set out to answer."""
    session.is_now("speaking")
    await session.hears(SHORTEST_SPEECH)
    await asyncio.sleep(SILENCE / 2)
    for state in (*between, "thinking"):
        session.is_now(state)
    before = asyncio.get_running_loop().time()
    async with asyncio.timeout(SILENCE + 1):
        assert await session.said.get() == repeat().text
    assert asyncio.get_running_loop().time() - before > SILENCE * 0.9


async def test_a_word_too_short_to_be_one_is_owed_an_answer_once_it_is_a_turn(
    session: Session,
) -> None:
    """Also when the caller makes a sound meanwhile, which does not put it off."""
    await session.hears(0.05)
    session.is_now("thinking")
    before = asyncio.get_running_loop().time()
    await session.hears(0.3)
    async with asyncio.timeout(SILENCE + 1):
        assert await session.said.get() == repeat().text
    assert asyncio.get_running_loop().time() - before < SILENCE + 0.2


async def test_thinking_does_not_put_an_apology_off(session: Session) -> None:
    """The bound counts from the end of the caller's words."""
    await session.hears(SHORTEST_SPEECH)
    before = asyncio.get_running_loop().time()
    await asyncio.sleep(SILENCE / 2)
    session.is_now("thinking")
    async with asyncio.timeout(SILENCE + 1):
        await session.said.get()
    assert asyncio.get_running_loop().time() - before < SILENCE + 0.2


async def test_an_answer_begun_while_the_caller_coughs_is_due_after_it(session: Session) -> None:
    """From when it was begun."""
    coughing = asyncio.create_task(session.hears(0.2))
    await asyncio.sleep(0.05)
    session.is_now("thinking")
    await coughing
    async with asyncio.timeout(SILENCE + 1):
        assert await session.said.get() == repeat().text
