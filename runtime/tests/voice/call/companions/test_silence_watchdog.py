"""The caller is asked to repeat when no answer comes in time, and only then."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
)

from agent_runtime.voice.call.companions.fallback_clips import farewell, repeat
from agent_runtime.voice.call.companions.silence_watchdog import (
    MAX_REPEATS,
    SHORTEST_SPEECH,
    SilenceWatchdog,
)

SILENCE = 0.6


class Handle:
    """The handle of a speech that is over at once."""

    async def wait_for_playout(self) -> None:
        """Return at once."""


class Session(AgentSession[None]):
    """Records what the agent says."""

    def __init__(self) -> None:
        super().__init__()
        self.said: asyncio.Queue[str] = asyncio.Queue()

    def say(self, text: Any, **_given: Any) -> Any:
        """Record the text."""
        self.said.put_nowait(text)
        return Handle()

    def interrupt(self, *, force: bool = False) -> asyncio.Future[None]:
        """Nothing is to be interrupted."""
        del force
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def caller_speaks(self, seconds: float) -> None:
        """The caller speaks for that long."""
        for old, new in (("listening", "speaking"), ("speaking", "listening")):
            states = {"old_state": cast("Any", old), "new_state": cast("Any", new)}
            self.emit("user_state_changed", UserStateChangedEvent(**states))
            if new == "speaking":
                await asyncio.sleep(seconds)

    def agent_is(self, state: str) -> None:
        """The agent starts to speak, to listen or to think."""
        event = AgentStateChangedEvent(old_state="initializing", new_state=cast("Any", state))
        self.emit("agent_state_changed", event)


@pytest.fixture
async def session() -> Session:
    """A session with a watchdog."""
    made = Session()
    SilenceWatchdog(SILENCE, pytest.fail).listen_to(made)
    return made


async def test_without_an_answer_the_caller_is_asked_again(session: Session) -> None:
    """Speech that gets no answer within the bound plays the clip that asks the caller to repeat."""
    await session.caller_speaks(SHORTEST_SPEECH)
    async with asyncio.timeout(SILENCE + 1):
        assert await session.said.get() == repeat().text


async def test_a_cough_does_not_put_the_answer_off(session: Session) -> None:
    """The answer to earlier speech is due as before when the caller coughs meanwhile."""
    await session.caller_speaks(SHORTEST_SPEECH)
    before = asyncio.get_running_loop().time()
    await session.caller_speaks(0.3)
    async with asyncio.timeout(SILENCE + 1):
        await session.said.get()
    assert asyncio.get_running_loop().time() - before < SILENCE + 0.2  # as if it had not been


async def test_an_answer_stops_the_timer(session: Session) -> None:
    """Once the agent has spoken nothing is due, also after a cough."""
    await session.caller_speaks(SHORTEST_SPEECH)
    session.agent_is("speaking")
    await session.caller_speaks(0.05)
    await asyncio.sleep(SILENCE * 1.5)
    assert session.said.empty()


async def test_a_cough_alone_is_not_answered(session: Session) -> None:
    """A cough with nothing due before it makes nothing due."""
    await session.caller_speaks(0.05)
    await asyncio.sleep(SILENCE * 1.5)
    assert session.said.empty()


async def test_an_agent_that_talks_on_is_not_cut_off(session: Session) -> None:
    """Speech over the agent's that does not stop it makes nothing due, however long the agent talks."""
    session.agent_is("speaking")
    await session.caller_speaks(SHORTEST_SPEECH)
    await asyncio.sleep(SILENCE * 1.5)
    assert session.said.empty()


async def test_speech_over_the_agent_s_needs_no_answer_after_it(session: Session) -> None:
    """A backchannel, or speech to an agent without interruptions, makes nothing due after it."""
    session.agent_is("speaking")
    await session.caller_speaks(SHORTEST_SPEECH)
    session.agent_is("listening")
    await asyncio.sleep(SILENCE * 1.5)
    assert session.said.empty()


@pytest.mark.parametrize("between", [[], ["listening"]], ids=["at once", "after its end"])
async def test_speech_over_the_agent_s_that_becomes_a_turn_needs_an_answer(
    session: Session, between: list[str]
) -> None:
    """The answer to speech over the agent's is due a bound after the agent starts to think."""
    session.agent_is("speaking")
    await session.caller_speaks(SHORTEST_SPEECH)
    await asyncio.sleep(SILENCE / 2)
    for state in (*between, "thinking"):
        session.agent_is(state)
    before = asyncio.get_running_loop().time()
    async with asyncio.timeout(SILENCE + 1):
        assert await session.said.get() == repeat().text
    assert asyncio.get_running_loop().time() - before > SILENCE * 0.9


async def test_a_short_word_that_becomes_a_turn_needs_an_answer(
    session: Session,
) -> None:
    """A word shorter than speech is due an answer when the agent thinks, whatever sound follows."""
    await session.caller_speaks(0.05)
    session.agent_is("thinking")
    before = asyncio.get_running_loop().time()
    await session.caller_speaks(0.3)
    async with asyncio.timeout(SILENCE + 1):
        assert await session.said.get() == repeat().text
    assert asyncio.get_running_loop().time() - before < SILENCE + 0.2


async def test_thinking_does_not_put_the_answer_off(session: Session) -> None:
    """The bound counts from the end of the caller's speech, not from when the agent starts to think."""
    await session.caller_speaks(SHORTEST_SPEECH)
    before = asyncio.get_running_loop().time()
    await asyncio.sleep(SILENCE / 2)
    session.agent_is("thinking")
    async with asyncio.timeout(SILENCE + 1):
        await session.said.get()
    assert asyncio.get_running_loop().time() - before < SILENCE + 0.2


async def test_an_answer_begun_while_the_caller_coughs_is_due_after_it(session: Session) -> None:
    """An answer that starts during a cough is due a bound after its start."""
    coughing = asyncio.create_task(session.caller_speaks(0.2))
    await asyncio.sleep(0.05)
    session.agent_is("thinking")
    await coughing
    async with asyncio.timeout(SILENCE + 1):
        assert await session.said.get() == repeat().text


@pytest.mark.parametrize("is_next_stuck", [False, True])
async def test_an_answer_that_holds_nothing_to_say_is_no_silence(is_next_stuck: bool) -> None:
    """An answer of an emoji alone plays no clip, and an answer after it that is stuck does."""
    session, watchdog = Session(), SilenceWatchdog(SILENCE, pytest.fail)
    watchdog.listen_to(session)
    await session.caller_speaks(SHORTEST_SPEECH)
    watchdog.on_answer(True)
    watchdog.on_answer(False)
    if is_next_stuck:
        watchdog.on_answer(True)
    await asyncio.sleep(SILENCE * 1.5)
    assert session.said.empty() is not is_next_stuck


async def asked(session: Session, times: int, *, interim: bool) -> list[str]:
    """What a caller hears who speaks that many times without a final transcript."""
    for _ in range(times):
        if interim:
            words = UserInputTranscribedEvent(transcript="I would like", is_final=False)
            session.emit("user_input_transcribed", words)
        await session.caller_speaks(SHORTEST_SPEECH)
        await asyncio.sleep(SILENCE + 0.1)
    return [session.said.get_nowait() for _ in range(session.said.qsize())]


async def test_noise_never_ends_a_call(session: Session) -> None:
    """A voice without any word is asked about twice, then ignored; the watchdog never gives up."""
    heard = await asked(session, MAX_REPEATS + 2, interim=False)
    assert heard == [repeat().text] * MAX_REPEATS


async def test_words_without_a_final_transcript_are_asked_about(session: Session) -> None:
    """A caller whose words never become final is asked to repeat each time, and not sent away."""
    heard = await asked(session, MAX_REPEATS + 2, interim=True)
    assert heard == [repeat().text] * (MAX_REPEATS + 2)


async def test_a_turn_without_an_answer_ends_the_call_in_the_end() -> None:
    """An agent that owes an answer three times says goodbye, and a provider is blamed."""
    session, reasons = Session(), list[str]()
    SilenceWatchdog(SILENCE, reasons.append).listen_to(session)
    for _ in range(MAX_REPEATS + 1):
        await session.caller_speaks(SHORTEST_SPEECH)
        session.agent_is("thinking")
        await asyncio.sleep(SILENCE + 0.1)
    heard = [session.said.get_nowait() for _ in range(session.said.qsize())]
    assert heard == [repeat().text] * MAX_REPEATS + [farewell().text]
    assert reasons == ["a provider failed: no answer"]
