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

    async def agent(
        self, agent_id: int, dates: DateRange, tenant_id: int | None = None
    ) -> AgentMetrics:
        """Metrics of an agent; zeros when it had no session (of `tenant_id`, if given) in the range."""

    async def tenant(self, tenant_id: int, dates: DateRange) -> TenantMetrics:
        """Metrics of a tenant; zeros when it had no session in the range."""

    async def session(self, session_id: str) -> SessionMetrics | None:
        """Metrics of a session; zeros before its first turn, None when there is no such session."""

    async def record(self, session_id: str, part: str, totals: SessionTotals) -> bool:
        """Write the totals of one agent's part of the session so far, and sum up all its parts.

        `part` names the agent's job; the parts of other agents stay unchanged. Returns False when there
        is no such session.
        """
