"""The metrics of each turn reach the database while the call goes on."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Any, cast

import pytest
from livekit.agents import AgentSession, ConversationItemAddedEvent, SessionUsageUpdatedEvent
from livekit.agents.llm import ChatMessage
from livekit.agents.metrics import AgentSessionUsage, LLMModelUsage

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.metrics import SessionTotals, Turn
from agent_runtime.domain.session import SessionStatus
from agent_runtime.prices.table import read_prices
from agent_runtime.voice.call.companions.call_cost import CallCost
from agent_runtime.voice.call.companions.turn_recorder import TurnRecorder, turn_of
from agent_runtime.voice.call.outcome import Outcome

ENDED = Outcome(SessionStatus.ENDED, "the caller left")
CALLER: dict[str, Any] = {"transcription_delay": 0.2, "end_of_turn_delay": 0.35}
AGENT: dict[str, Any] = {"llm_node_ttft": 0.25, "tts_node_ttfb": 0.1, "e2e_latency": 0.9}


class Kept:
    """A metrics store that can be unavailable or slow."""

    def __init__(self) -> None:
        self.totals: SessionTotals | None = None
        self.parts: list[str] = []
        self.writes = 0
        self.away = False
        self.error: Exception = StoreUnavailable("away")
        self.written = asyncio.Event()
        self.may_write = asyncio.Event()
        self.may_write.set()

    async def record(self, _session_id: str, part: str, totals: SessionTotals) -> bool:
        """Keep the totals."""
        await self.may_write.wait()
        self.writes += 1
        self.written.set()
        if self.away:
            raise self.error
        self.totals = totals
        self.parts.append(part)
        return True

    async def next_write(self) -> None:
        """Wait for the next write."""
        async with asyncio.timeout(5):
            await self.written.wait()
        self.written.clear()


@pytest.fixture
async def session() -> AgentSession[Any]:
    """A session that is never started."""
    return AgentSession()


PRICES = read_prices("")


@pytest.fixture
def kept() -> Kept:
    """The metrics store."""
    return Kept()


class Reporter:
    """Records the turns that are reported to the worker."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.closed = False

    def report(self, turn: Turn) -> None:
        """Record the turn."""
        self.turns.append(turn)

    def close(self) -> None:
        """Record it."""
        self.closed = True


@pytest.fixture
def reporter() -> Reporter:
    """The worker's end of the recorder."""
    return Reporter()


@pytest.fixture
async def recorder(session: AgentSession[Any], kept: Kept, reporter: Reporter) -> TurnRecorder:
    """The recorder of the session."""
    made = TurnRecorder("abc", "AJ_1", cast("Any", kept), cast("Any", reporter), CallCost(PRICES))
    made.listen_to(session)
    return made


def say(session: AgentSession[Any], role: Any, metrics: dict[str, Any], **more: Any) -> None:
    """Add a message to the conversation."""
    message = ChatMessage(role=role, content=["words"], metrics=metrics, **more)
    session.emit("conversation_item_added", ConversationItemAddedEvent(item=message))


def test_seconds_become_milliseconds() -> None:
    """Each of the framework's metrics has its field in milliseconds; what did not run is None."""
    turn = turn_of(ChatMessage(role="user", content=["x"], metrics=CALLER))
    assert (turn.by_agent, turn.stt, turn.end_of_turn) == (False, 200, 350)
    assert (turn.llm, turn.tts, turn.response) == (None, None, None)
    turn = turn_of(ChatMessage(role="assistant", content=["x"], metrics=AGENT, interrupted=True))
    assert (turn.by_agent, turn.llm, turn.tts, turn.response) == (True, 250, 100, 900)
    assert turn.interrupted


async def test_a_turn_is_written_as_it_ends(
    session: AgentSession[Any], recorder: TurnRecorder, kept: Kept, reporter: Reporter
) -> None:
    """A turn is reported to the worker and in the row before the next one begins."""
    say(session, "user", CALLER)
    assert [(turn.by_agent, turn.stt) for turn in reporter.turns] == [(False, 200)]
    await kept.next_write()
    assert kept.totals is not None
    assert (kept.totals.user_messages, kept.totals.agent_messages) == (1, 0)
    say(session, "assistant", AGENT, interrupted=True)
    await kept.next_write()
    assert (kept.totals.agent_messages, kept.totals.interruptions) == (1, 1)
    assert kept.totals.llm.mean == 250
    await recorder.close(ENDED)


async def test_turns_do_not_wait_for_a_slow_database(
    session: AgentSession[Any], recorder: TurnRecorder, kept: Kept
) -> None:
    """Turns go on while a write hangs, and one further write has all of them."""
    kept.may_write.clear()
    for _ in range(5):
        say(session, "user", CALLER)
        await asyncio.sleep(0)  # lets the recorder begin
    assert kept.writes == 0
    kept.may_write.set()
    await recorder.close(ENDED)
    assert kept.totals is not None
    assert kept.totals.user_messages == 5
    assert kept.writes <= 2


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ValueError("bad row")])
async def test_what_could_not_be_written_comes_with_the_next_turn(
    session: AgentSession[Any], recorder: TurnRecorder, kept: Kept, error: Exception
) -> None:
    """The write after a failed one has its turn too, in the part of the same job."""
    kept.away, kept.error = True, error
    say(session, "user", CALLER)
    await kept.next_write()
    kept.away = False
    say(session, "assistant", AGENT)
    await kept.next_write()
    assert kept.totals is not None
    assert (kept.totals.user_messages, kept.totals.agent_messages) == (1, 1)
    say(session, "user", CALLER)
    await kept.next_write()
    await recorder.close(ENDED)
    assert kept.parts == ["AJ_1", "AJ_1"]


async def test_the_last_turn_is_written_when_the_call_closes(
    session: AgentSession[Any], recorder: TurnRecorder, kept: Kept
) -> None:
    """A turn whose write failed is written on close, even if no other turn follows."""
    kept.away = True
    say(session, "user", CALLER)
    await kept.next_write()
    kept.away = False
    await recorder.close(ENDED)
    assert kept.totals is not None
    assert kept.totals.user_messages == 1


async def test_tokens_are_the_session_s_sum(
    session: AgentSession[Any], recorder: TurnRecorder, kept: Kept
) -> None:
    """The usage of several models adds up, and an event that repeats it does not count twice."""
    usage = AgentSessionUsage(
        model_usage=[
            LLMModelUsage(provider="openai", model=name, input_tokens=10, output_tokens=4)
            for name in ("one", "two")
        ]
    )
    for _ in range(2):
        session.emit("session_usage_updated", SessionUsageUpdatedEvent(usage=usage))
    await recorder.close(ENDED)
    assert kept.totals is not None
    assert (kept.totals.input_tokens, kept.totals.output_tokens) == (20, 8)


async def test_messages_of_the_system_are_no_turns(
    session: AgentSession[Any], recorder: TurnRecorder, kept: Kept
) -> None:
    """Only messages of the caller and of the agent are turns."""
    say(session, "system", {})
    await recorder.close(ENDED)
    assert kept.writes == 0


@pytest.mark.parametrize("error", [None, OSError("no database")])
async def test_the_reporter_is_closed_with_the_recorder(
    recorder: TurnRecorder,
    reporter: Reporter,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception | None,
) -> None:
    """Closing the recorder closes its reporter, also when the last write fails."""

    async def write() -> None:
        if error is not None:
            raise error

    recorder._unwritten = True
    monkeypatch.setattr(recorder, "_write", write)
    with pytest.raises(OSError, match="no database") if error else nullcontext():
        await recorder.close(ENDED)
    assert reporter.closed
