"""Figures: written by the worker as each turn ends, summed up for the API."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import peewee
from peewee import JOIN, fn

from agent_runtime.domain.metrics import (
    MICRO_CENTS_PER_DOLLAR,
    AgentMetrics,
    DateRange,
    SessionMetrics,
    SessionTotals,
    TenantMetrics,
)
from agent_runtime.domain.session import LIVE
from agent_runtime.storage.schema.shared import SessionMetrics as Rows
from agent_runtime.storage.schema.shared import Sessions
from agent_runtime.storage.sql.database import Database, can_be_stored
from agent_runtime.storage.sql.statements import bind, single

EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

_WRITTEN = (
    "message_count",
    "user_message_count",
    "agent_message_count",
    "avg_stt_latency",
    "avg_tts_latency",
    "avg_llm_latency",
    "total_tokens",
    "input_tokens",
    "output_tokens",
    "error_count",
)

# Weighted by the agent's messages, so that a long session counts for what it is.
_LATENCY = fn.SUM(Rows.avg_llm_latency.cast("bigint") * Rows.agent_message_count)
_MESSAGES = fn.SUM(Rows.agent_message_count)
_COST = fn.SUM(Rows.total_cost.cast("bigint"))


class StoredMetrics:
    """Implements the port MetricsStore."""

    def __init__(self, database: Database) -> None:
        self._database = database
        compile_ = database.dialect.compile
        live = Sessions.status.in_(sorted(LIVE))
        sessions = fn.COUNT(Sessions.session_id.distinct())
        in_range = (Sessions.started_at >= bind("start", "timestamp")) & (
            Sessions.started_at < bind("end", "timestamp")
        )
        self._of_agent = compile_(
            _joined(sessions, sessions.filter(live), _LATENCY, _MESSAGES, _COST).where(
                (Sessions.agent_id == bind("agent_id", "integer")) & in_range
            )
        )
        agents = fn.COUNT(Sessions.agent_id.distinct()).filter(live)
        self._of_tenant = compile_(
            _joined(agents, sessions, _COST).where(
                (Sessions.tenant_id == bind("tenant_id", "integer")) & in_range
            )
        )
        this = Sessions.session_id == bind("session_id")
        self._of_session = compile_(
            _joined(Sessions.session_id, fn.SUM(Rows.message_count), _LATENCY, _MESSAGES, _COST)
            .where(this)
            .group_by(Sessions.session_id)
        )
        values: dict[peewee.Field[Any], peewee.Node] = {
            getattr(Rows, name): bind(name, "integer") for name in _WRITTEN
        }
        now = bind("now", "timestamp")
        changing: dict[peewee.Field[Any], Any] = {
            **values,
            Rows.metadata: bind("metadata", "json"),
            Rows.updated_at: now,
        }
        self._update = compile_(Rows.update(changing).where(Rows.id == bind("row", "integer")))
        inserted: dict[peewee.Field[Any], Any] = {
            Rows.session: Sessions.session_id,
            Rows.agent_id: Sessions.agent_id,
            Rows.tenant_id: Sessions.tenant_id,
            Rows.date: fn.DATE(Sessions.started_at),
            Rows.metadata: bind("metadata", "json"),
            Rows.created_at: now,
            Rows.updated_at: now,
        }
        self._insert = compile_(
            Rows.insert_from(
                Sessions.select(*inserted.values()).where(this), list(inserted)
            ).returning(Rows.id)
        )

    async def agent(self, agent_id: int, dates: DateRange) -> AgentMetrics:
        """One row of sums."""
        step = self._of_agent.bind(agent_id=agent_id, **self._range(dates))
        total, active, latency, messages, cost = (await self._database.scan(step))[0]
        return AgentMetrics(agent_id, total, active, _mean(latency, messages), _dollars(cost))

    async def tenant(self, tenant_id: int, dates: DateRange) -> TenantMetrics:
        """One row of sums."""
        step = self._of_tenant.bind(tenant_id=tenant_id, **self._range(dates))
        agents, total, cost = (await self._database.scan(step))[0]
        return TenantMetrics(tenant_id, agents, total, _dollars(cost))

    async def session(self, session_id: str) -> SessionMetrics | None:
        """Zeros while there is no row of figures yet."""
        if not can_be_stored(session_id):
            return None
        row = single(await self._database.read(self._of_session.bind(session_id=session_id)))
        if row is None:
            return None
        _, messages, latency, answers, cost = row
        return SessionMetrics(session_id, messages or 0, _mean(latency, answers), _dollars(cost))

    async def record(self, session_id: str, totals: SessionTotals, row: int | None) -> int | None:
        """Write one agent's part of the session into its row, or a new one; returns the row.

        The row is found by its key: the shared schema has no index for the session.
        """
        if row is None:
            # Without figures yet, so that none count twice when this one's answer is lost.
            begun = self._insert.bind(
                session_id=session_id, metadata="{}", now=self._database.now()
            )
            made = single(await self._database.write(begun))
            if made is None:
                return None
            row = int(made[0])
        values = {
            "row": row,
            "now": self._database.now(),
            "message_count": totals.user_messages + totals.agent_messages,
            "user_message_count": totals.user_messages,
            "agent_message_count": totals.agent_messages,
            "avg_stt_latency": round(totals.stt.mean),
            "avg_tts_latency": round(totals.tts.mean),
            "avg_llm_latency": round(totals.llm.mean),
            "total_tokens": totals.input_tokens + totals.output_tokens,
            "input_tokens": totals.input_tokens,
            "output_tokens": totals.output_tokens,
            "error_count": totals.errors,
            "metadata": json.dumps(
                {
                    "avg_end_of_turn_latency": round(totals.end_of_turn.mean),
                    "avg_response_latency": round(totals.response.mean),
                    "interruptions": totals.interruptions,
                }
            ),
        }
        await self._database.write(self._update.bind(**values))
        return row

    def _range(self, dates: DateRange) -> dict[str, Any]:
        return {
            "start": self._database.moment(dates.start or EARLIEST),
            "end": self._database.moment(dates.end or LATEST),
        }


def _joined(*columns: peewee.Node) -> peewee.ModelSelect[Sessions]:
    return Sessions.select(*columns).join(
        Rows, JOIN.LEFT_OUTER, on=(Rows.session == Sessions.session_id)
    )


def _mean(total: Any, count: Any) -> float:
    return float(total) / float(count) if total and count else 0.0


def _dollars(micro_cents: Any) -> float:
    return float(micro_cents or 0) / MICRO_CENTS_PER_DOLLAR
