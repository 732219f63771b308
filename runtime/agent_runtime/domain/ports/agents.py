"""The registry of agents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from agent_runtime.domain.agents.agent import AgentStatus, AgentVersion, Registration
from agent_runtime.domain.agents.config_source import KeptAnswer, ServiceState
from agent_runtime.domain.session import Session


class AgentRegistry(Protocol):
    """The registered agents. Methods raise StoreUnavailable."""

    async def register(self, registration: Registration) -> int:
        """Store the registration or replace the stored one, which keeps its place in the order.

        Returns its version: a new one when the content differs from the latest one.
        Raises AgentOfOtherTenant when another tenant has registered the agent.
        """

    async def unregister(self, agent_id: int, tenant_id: int | None = None) -> list[Session]:
        """Delete the agent and end its live sessions, in one transaction; returns the ended ones.

        With `tenant_id`, raises AgentNotFound unless that tenant has registered it.
        """

    async def get(self, agent_id: int) -> Registration | None:
        """The registration, or None."""

    async def status(self, agent_id: int, tenant_id: int | None = None) -> AgentStatus:
        """Whether the agent is registered (by `tenant_id`, if given), and how many sessions it holds."""

    async def list_ids(self, tenant_id: int | None = None) -> list[int]:
        """Ids of all registered agents (of `tenant_id`, if given), in the order of first registration."""

    async def history(self, agent_id: int) -> list[AgentVersion]:
        """The versions that are kept, the latest first; also of an agent that was deleted."""

    async def version(self, agent_id: int, version: int) -> Registration | None:
        """What was registered as this version; None when it is not kept."""

    async def agent_row(self, agent_id: int) -> Mapping[str, Any] | None:
        """The agent's row of the `agents` table by column name, or None."""


class TextIdRegistry(Protocol):
    """The numbers of agents whose id is a text. Methods raise StoreUnavailable."""

    async def number(self, text_id: str) -> int | None:
        """The number of this text; None when it has none."""

    async def assign(self, text_id: str, number: int | None = None) -> int:
        """The number of this text, which gets one now if it has none: `number`, else a free one.

        Raises TextIdTaken when the text has another number than `number`, or the number another text.
        """

    async def all(self) -> dict[int, str]:
        """Every text by its number."""


class PlatformAnswers(Protocol):
    """The last good answers of the platform's configuration service. Methods raise StoreUnavailable."""

    async def read(self, agent_id: int) -> tuple[ServiceState, KeptAnswer | None]:
        """The state of the service, and its last good answer for the agent."""

    async def keep(self, agent_id: int, answer: KeptAnswer) -> None:
        """Store the answer in place of the one before."""

    async def forget(self, agent_id: int) -> None:
        """Delete the answer: the service has no such agent any more."""

    async def set_state(self, state: ServiceState) -> None:
        """Store how the service is."""
