"""Figures of each turn reach the database while the call goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from livekit.agents import AgentSession, ConversationItemAddedEvent, SessionUsageUpdatedEvent
from livekit.agents.llm import ChatMessage
from livekit.agents.metrics import AgentSessionUsage, LLMModelUsage

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.metrics import SessionTotals, Turn
from agent_runtime.voice.call.companions.turn_recorder import TurnRecorder, turn_of

CALLER: dict[str, Any] = {"transcription_delay": 0.2, "end_of_turn_delay": 0.35}
AGENT: dict[str, Any] = {"llm_node_ttft": 0.25, "tts_node_ttfb": 0.1, "e2e_latency": 0.9}


class Kept:
    """A store of figures that can be away, and can be slow."""

    def __init__(self) -> None:
        self.totals: SessionTotals | None = None
        self.rows: list[int | None] = []
        self.told: list[Turn] = []
        self.writes = 0
        self.away = False
        self.error: Exception = StoreUnavailable("away")
        self.written = asyncio.Event()
        self.may_write = asyncio.Event()
        self.may_write.set()

    async def record(self, _session_id: str, totals: SessionTotals, row: int | None) -> int:
        """Keep them."""
        await self.may_write.wait()
        self.writes += 1
        self.written.set()
        if self.away:
            raise self.error
        self.totals = totals
        self.rows.append(row)
        return 17

    async def next_write(self) -> None:
        """Wait for it."""
        async with asyncio.timeout(5):
            await self.written.wait()
        self.written.clear()


@pytest.fixture
async def session() -> AgentSession[Any]:
    """A session that says what the test lets it say."""
    return AgentSession()


@pytest.fixture
def kept() -> Kept:
    """The store."""
    return Kept()


@pytest.fixture
async def writer(session: AgentSession[Any], kept: Kept) -> TurnRecorder:
    """The writer of the session."""
    made = TurnRecorder("abc", kept, kept.told.append)  # type: ignore[arg-type]
    made.listen_to(session)
    return made


def say(session: AgentSession[Any], role: Any, metrics: dict[str, Any], **more: Any) -> None:
    """One message ends."""
    message = ChatMessage(role=role, content=["words"], metrics=metrics, **more)
    session.emit("conversation_item_added", ConversationItemAddedEvent(item=message))


def test_seconds_become_milliseconds_of_their_stage() -> None:
    """Each of the framework's figures goes to its stage; what did not run stays empty."""
    turn = turn_of(ChatMessage(role="user", content=["x"], metrics=CALLER))
    assert (turn.by_agent, turn.stt, turn.end_of_turn) == (False, 200, 350)
    assert (turn.llm, turn.tts, turn.response) == (None, None, None)
    turn = turn_of(ChatMessage(role="assistant", content=["x"], metrics=AGENT, interrupted=True))
    assert (turn.by_agent, turn.llm, turn.tts, turn.response) == (True, 250, 100, 900)
    assert turn.interrupted


async def test_a_turn_is_written_as_it_ends(
    session: AgentSession[Any], writer: TurnRecorder, kept: Kept
) -> None:
    """Before the next turn begins, the row has this one, and the worker was told of it."""
    say(session, "user", CALLER)
    assert [(turn.by_agent, turn.stt) for turn in kept.told] == [(False, 200)]
    await kept.next_write()
    assert kept.totals is not None
    assert (kept.totals.user_messages, kept.totals.agent_messages) == (1, 0)
    say(session, "assistant", AGENT, interrupted=True)
    await kept.next_write()
    assert (kept.totals.agent_messages, kept.totals.interruptions) == (1, 1)
    assert kept.totals.llm.mean == 250
    await writer.close()


async def test_nobody_waits_for_a_slow_database(
    session: AgentSession[Any], writer: TurnRecorder, kept: Kept
) -> None:
    """While one write hangs, turns go on; one further write brings all of them."""
    kept.may_write.clear()
    for _ in range(5):
        say(session, "user", CALLER)
        await asyncio.sleep(0)  # lets the writer begin
    assert kept.writes == 0
    kept.may_write.set()
    await writer.close()
    assert kept.totals is not None
    assert kept.totals.user_messages == 5
    assert kept.writes <= 2


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ValueError("bad row")])
async def test_what_could_not_be_written_comes_with_the_next_turn(
    session: AgentSession[Any], writer: TurnRecorder, kept: Kept, error: Exception
) -> None:
    """Totals are written, so a database that was away, or failed otherwise, has lost nothing."""
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
    await writer.close()
    assert kept.rows == [None, 17]  # into the row that the first one made


async def test_the_last_turn_is_written_although_the_database_was_away(
    session: AgentSession[Any], writer: TurnRecorder, kept: Kept
) -> None:
    """A turn whose write failed is written when the call closes, even if no other follows."""
    kept.away = True
    say(session, "user", CALLER)
    await kept.next_write()
    kept.away = False
    await writer.close()
    assert kept.totals is not None
    assert kept.totals.user_messages == 1


async def test_tokens_are_the_session_s_sum(
    session: AgentSession[Any], writer: TurnRecorder, kept: Kept
) -> None:
    """Usage of several models adds up; telling it again does not count it twice."""
    usage = AgentSessionUsage(
        model_usage=[
            LLMModelUsage(provider="openai", model=name, input_tokens=10, output_tokens=4)
            for name in ("one", "two")
        ]
    )
    for _ in range(2):
        session.emit("session_usage_updated", SessionUsageUpdatedEvent(usage=usage))
    await writer.close()
    assert kept.totals is not None
    assert (kept.totals.input_tokens, kept.totals.output_tokens) == (20, 8)


async def test_words_of_the_system_are_no_turn(
    session: AgentSession[Any], writer: TurnRecorder, kept: Kept
) -> None:
    """Only the caller's and the agent's messages count."""
    say(session, "system", {})
    await writer.close()
    assert kept.writes == 0
