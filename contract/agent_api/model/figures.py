"""An agent and a tenant as the ledger sees them, with the sessions of a date range counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from contract.agent_api.model.state import Agent, Session

Words = dict[str, Any]
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
        "to_leave": [replace(session) for session in agent.sessions if session.live],
    }


def tenant_words(tenant_id: Any, sessions: Iterable[Session], query: Query) -> Words:
    """A tenant by its sessions of the date range; `busy` counts agents with a live session."""
    within = in_range([s for s in sessions if s.tenant == tenant_id], query)
    return {
        "id": tenant_id,
        "sessions": len(within),
        "busy": len({session.agent for session in within if session.live}),
    }


def in_range(sessions: Iterable[Session], query: Query) -> list[Session]:
    """The sessions that started between startDate and endDate; an end without a time is a whole day."""
    start = _moment(query.get("startDate", [""])[0], end=False)
    end = _moment(query.get("endDate", [""])[0], end=True)
    return [
        session
        for session in sessions
        if (start is None or session.created.latest >= start)
        and (end is None or session.created.earliest <= end)
    ]


def _moment(text: str, *, end: bool) -> float | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) <= len(date.min.isoformat()) and end:
        found += timedelta(days=1)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
