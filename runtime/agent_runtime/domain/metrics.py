"""Metrics of turns, sessions, agents and tenants. Latencies in milliseconds, costs in US dollars."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

# The schema stores costs as integers in micro-cents: 1 US dollar is 100 cents of 1,000,000 each.
MICRO_CENTS_PER_DOLLAR: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class DateRange:
    """Sessions that started at or after `start` and before `end` (aware, UTC); None is open."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class AgentMetrics:
    """Metrics over the sessions of an agent that started in a date range."""

    agent_id: int
    total_sessions: int
    active_sessions: int
    avg_latency_ms: float
    total_cost_usd: float


@dataclass(frozen=True, slots=True)
class TenantMetrics:
    """Metrics over the sessions of a tenant that started in a date range.

    `active_agents` counts the agents with a live session.
    """

    tenant_id: int
    active_agents: int
    total_sessions: int
    total_cost_usd: float


@dataclass(frozen=True, slots=True)
class SessionMetrics:
    """Metrics of one session."""

    session_id: str
    message_count: int
    avg_latency_ms: float
    total_cost_usd: float


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation and its latencies; None where a stage did not run.

    Milliseconds: `stt` from the end of speech to the final transcript, `end_of_turn` from the end
    of speech to the decision that the caller is done, `llm` to the first token, `tts` to the first
    byte of audio, `response` from the end of the caller's speech to the agent's first audio.
    """

    by_agent: bool
    stt: float | None = None
    end_of_turn: float | None = None
    llm: float | None = None
    tts: float | None = None
    response: float | None = None
    interrupted: bool = False


@dataclass(slots=True)
class Average:
    """A running mean that ignores missing values."""

    count: int = 0
    total: float = 0.0

    def add(self, value: float | None) -> None:
        """Add a value; None adds nothing."""
        if value is not None:
            self.count += 1
            self.total += value

    @property
    def mean(self) -> float:
        """The mean so far, 0 without a value."""
        return self.total / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class Costs:
    """What the stages of a call cost, in micro-cents; None where the price is not known."""

    stt: int | None = 0
    llm: int | None = 0
    tts: int | None = 0

    @property
    def known(self) -> int:
        """The sum of the stages whose price is known."""
        return sum(amount or 0 for amount in (self.stt, self.llm, self.tts))


@dataclass(slots=True)
class SessionTotals:
    """Totals of one agent's part of a session, rewritten after each turn; `cost` is in micro-cents.

    Totals are written and not increments, so that writing twice changes nothing.
    """

    user_messages: int = 0
    agent_messages: int = 0
    interruptions: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: int = 0
    costs: Costs = field(default_factory=Costs)
    stt: Average = field(default_factory=Average)
    end_of_turn: Average = field(default_factory=Average)
    llm: Average = field(default_factory=Average)
    tts: Average = field(default_factory=Average)
    response: Average = field(default_factory=Average)

    def add(self, turn: Turn) -> None:
        """Count one more message."""
        if turn.by_agent:
            self.agent_messages += 1
        else:
            self.user_messages += 1
        self.interruptions += turn.interrupted
        self.stt.add(turn.stt)
        self.end_of_turn.add(turn.end_of_turn)
        self.llm.add(turn.llm)
        self.tts.add(turn.tts)
        self.response.add(turn.response)
