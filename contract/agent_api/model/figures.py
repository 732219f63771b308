"""An agent and a tenant as the ledger sees them, with the sessions of a date range counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from contract.agent_api.model.state import Agent, Session
from contract.values.typed_values import Window

Words = dict[str, Any]
MICRO_CENTS_PER_DOLLAR: Final = 100_000_000
Query = Mapping[str, list[str]]


def agent_words(agent: Agent, query: Query) -> Words:
    """An agent. `limit` and `live` are of the moment, the counts of sessions of the date range."""
    within = in_range(agent.sessions, query)
    return {
        "id": agent.id,
        "registered": agent.registered,
        "config": agent.config,
        "tenant": agent.tenant,
        "limit": agent.limit,
        "live": agent.live,
        "sessions": len(within),
        "live_sessions": sum(session.live for session in within),
        "latency": latency(within),
        "cost": cost(within),
        "to_leave": [replace(session) for session in agent.sessions if session.live],
    }


def tenant_words(tenant_id: Any, sessions: Iterable[Session], query: Query) -> Words:
    """A tenant by its sessions of the date range; `busy` counts agents with a live session."""
    within = in_range([s for s in sessions if s.tenant == tenant_id], query)
    return {
        "id": tenant_id,
        "sessions": len(within),
        "busy": len({session.agent for session in within if session.live}),
        "cost": cost(within),
    }


def session_words(sessions: list[Session]) -> Words:
    """The metrics of a session: none has all 0."""
    return {
        "messageCount": messages(sessions),
        "avgLatency": latency(sessions),
        "totalCost": cost(sessions),
    }


def messages(sessions: Iterable[Session]) -> int:
    """The messages of caller and agent."""
    return sum(row.messages for session in sessions for row in session.rows)


def latency(sessions: Iterable[Session]) -> float:
    """The mean latency in milliseconds, to thousandths; a row counts by its agent's messages."""
    rows = [row for session in sessions for row in session.rows]
    count = sum(row.agent_messages for row in rows)
    total = sum(row.latency * row.agent_messages for row in rows)
    return _shortest(round(total / count, 3)) if total else 0


def cost(sessions: Iterable[Session]) -> float:
    """The cost in dollars."""
    total = sum(row.cost for session in sessions for row in session.rows)
    return _shortest(round(total / MICRO_CENTS_PER_DOLLAR, 8))


def _shortest(value: float) -> float:
    """A number as JSON shows it: 400 instead of 400.0."""
    return int(value) if value.is_integer() else value


def in_range(sessions: Iterable[Session], query: Query) -> list[Session]:
    """The sessions that started between startDate and endDate; an end without a time is a whole day."""
    start = _moment(query.get("startDate", [""])[0], end=False)
    end = _moment(query.get("endDate", [""])[0], end=True)
    return [
        session
        for session in sessions
        if (start is None or _began(session).latest >= start)
        and (end is None or _began(session).earliest <= end)
    ]


def _began(session: Session) -> Window:
    """When a session began: exactly, once an answer has told it."""
    if session.started_text is None:
        return session.created
    told = datetime.fromisoformat(session.started_text).timestamp()
    return Window(told, told)


def _moment(text: str, *, end: bool) -> float | None:
    try:
        found = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    if len(text) <= len(date.min.isoformat()) and end:
        if found.date() == date.max:
            return None  # no session is beyond it
        found += timedelta(days=1)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
