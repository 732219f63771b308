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
    """The metrics. Methods raise StoreUnavailable."""

    async def agent(self, agent_id: int, dates: DateRange) -> AgentMetrics:
        """Metrics of an agent; zeros when it had no session in the range."""

    async def tenant(self, tenant_id: int, dates: DateRange) -> TenantMetrics:
        """Metrics of a tenant; zeros when it had no session in the range."""

    async def session(self, session_id: str) -> SessionMetrics | None:
        """Metrics of a session; zeros before its first turn, None when there is no such session."""

    async def record(self, session_id: str, totals: SessionTotals, row: int | None) -> int | None:
        """Write the totals of one agent's part of the session so far; other agents' rows stay unchanged.

        `row` is the key that the previous call returned, None for a new row. Returns the row's key;
        None when there is no such session.
        """
