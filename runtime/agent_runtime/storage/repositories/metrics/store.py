"""Session metrics: the worker writes them as each turn ends, and the API sums them up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

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
from agent_runtime.storage.repositories.metrics.parts import MetricParts
from agent_runtime.storage.repositories.sessions.rows import THIS
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.shared.metrics import SessionMetrics as Rows
from agent_runtime.storage.schema.shared.sessions import Sessions
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import Database, can_be_stored
from agent_runtime.storage.sql.statements import bind, single

# The ends of a range that has none: the first and the last second of Python's datetime.
EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

# Weighted by the agent's messages, so that each session counts by its length.
_LATENCY: Final = fn.SUM(Rows.avg_llm_latency.cast("bigint") * Rows.agent_message_count)
_MESSAGES: Final = fn.SUM(Rows.agent_message_count)
_COST: Final = fn.SUM(Rows.total_cost.cast("bigint"))

_SESSIONS: Final = fn.COUNT(Sessions.session_id.distinct())
_IN_RANGE: Final = (Sessions.started_at >= bind("start", "timestamp")) & (
    Sessions.started_at < bind("end", "timestamp")
)
_OF_TENANT: Final = Sessions.tenant_id == bind("tenant_id", "integer")


def _sums_of_agent() -> peewee.ModelSelect[Sessions]:
    live = _SESSIONS.filter(Sessions.status.in_(sorted(LIVE)))
    return _joined(_SESSIONS, live, _LATENCY, _MESSAGES, _COST).where(
        (Sessions.agent_id == bind("agent_id", "integer")) & _IN_RANGE
    )


class StoredMetrics(Store):
    """Implements the port MetricsStore."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._parts = MetricParts(database)

    _of_agent = CompiledOnce(_sums_of_agent)
    _of_agent_and_tenant = CompiledOnce(lambda: _sums_of_agent().where(_OF_TENANT))

    async def agent(
        self, agent_id: int, dates: DateRange, tenant_id: int | None = None
    ) -> AgentMetrics:
        """The sums over the agent's sessions that started in the range."""
        statement, values = self._of_agent, {"agent_id": agent_id, **self._range(dates)}
        if tenant_id is not None:
            statement, values["tenant_id"] = self._of_agent_and_tenant, tenant_id
        step = statement.bind(**values)
        total, active, latency, messages, cost = (await self._database.scan(step))[0]
        return AgentMetrics(agent_id, total, active, _mean(latency, messages), _dollars(cost))

    _of_tenant = CompiledOnce(
        lambda: _joined(
            fn.COUNT(Sessions.agent_id.distinct()).filter(Sessions.status.in_(sorted(LIVE))),
            _SESSIONS,
            _COST,
        ).where(_OF_TENANT & _IN_RANGE)
    )

    async def tenant(self, tenant_id: int, dates: DateRange) -> TenantMetrics:
        """The sums over the tenant's sessions that started in the range."""
        step = self._of_tenant.bind(tenant_id=tenant_id, **self._range(dates))
        agents, total, cost = (await self._database.scan(step))[0]
        return TenantMetrics(tenant_id, agents, total, _dollars(cost))

    _of_session = CompiledOnce(
        lambda: (
            _joined(Sessions.session_id, fn.SUM(Rows.message_count), _LATENCY, _MESSAGES, _COST)
            .where(THIS)
            .group_by(Sessions.session_id)
        )
    )

    async def session(self, session_id: str) -> SessionMetrics | None:
        """The session's metrics: zeros until the first turn, None for an unknown session."""
        if not can_be_stored(session_id):
            return None
        row = single(await self._database.read(self._of_session.bind(session_id=session_id)))
        if row is None:
            return None
        _, messages, latency, answers, cost = row
        return SessionMetrics(session_id, messages or 0, _mean(latency, answers), _dollars(cost))

    async def record(self, session_id: str, part: str, totals: SessionTotals) -> bool:
        """Write one agent's part of the session, and the sums over all parts into the session's row."""
        return await self._parts.write(session_id, part, totals)

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
