"""Metrics of agents, tenants and sessions."""

from __future__ import annotations

from typing import Protocol

from agent_runtime.domain.metrics import (
    AgentMetrics,
    DateRange,
    SessionMetrics,
    SessionTotals,
    TenantMetrics,
)


class MetricsStore(Protocol):
    """Figures. Every method raises StoreUnavailable when the database is away."""

    async def agent(self, agent_id: int, dates: DateRange) -> AgentMetrics:
        """Figures of an agent; zeros when it had no session in the range."""

    async def tenant(self, tenant_id: int, dates: DateRange) -> TenantMetrics:
        """Figures of a tenant; zeros when it had no session in the range."""

    async def session(self, session_id: str) -> SessionMetrics | None:
        """Figures of a session; zeros before its first turn, None when there is no such session."""

    async def record(self, session_id: str, totals: SessionTotals, row: int | None) -> int | None:
        """Write what one agent's part of the session amounts to so far; the others' stay as they are.

        Returns what to give as `row` the next time; None, as at the first time, writes a new one. None
        for no such session.
        """
