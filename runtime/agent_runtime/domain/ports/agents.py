"""The registry of agents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from agent_runtime.domain.agent import AgentStatus, Registration
from agent_runtime.domain.session import Session


class AgentRegistry(Protocol):
    """The registered agents. Methods raise StoreUnavailable."""

    async def register(self, registration: Registration) -> None:
        """Store the registration or replace the stored one, which keeps its place in the order."""

    async def unregister(self, agent_id: int) -> list[Session]:
        """Delete the agent and end its live sessions, in one transaction; returns the ended ones."""

    async def get(self, agent_id: int) -> Registration | None:
        """The registration, or None."""

    async def status(self, agent_id: int) -> AgentStatus:
        """Whether the agent is registered, and how many sessions it holds."""

    async def list_ids(self) -> list[int]:
        """Ids of all registered agents, in the order of their first registration."""

    async def agent_row(self, agent_id: int) -> Mapping[str, Any] | None:
        """The agent's row of the `agents` table by column name, or None."""
