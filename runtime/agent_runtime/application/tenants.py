"""What a request is refused that is limited to one tenant.

To a tenant, agents and sessions of others do not exist: it cannot tell them from ids that nobody has.
"""

from __future__ import annotations

from agent_runtime.domain.access.keys import OtherTenant
from agent_runtime.domain.access.tenants import AgentNotFound, AgentOfOtherTenant
from agent_runtime.domain.agents.agent import AgentStatus
from agent_runtime.domain.errors import Conflict
from agent_runtime.domain.ports.agents import AgentRegistry
from agent_runtime.domain.ports.sessions import SessionStore


class RoomOfOtherTenant(Conflict):
    """Raised when a tenant's request would send an agent into a room with another tenant's session."""

    remedy = "name another room, or leave the name empty"

    def __init__(self, room_name: str) -> None:
        super().__init__(f"Room {room_name} is in use: {self.remedy}")


def check_tenant(only_tenant: int | None, tenant_id: int) -> None:
    """Raise OtherTenant when the request names a tenant that it is not limited to."""
    if only_tenant not in (None, tenant_id):
        raise OtherTenant(only_tenant)


class Tenants:
    """Whose an agent is, and a room."""

    def __init__(self, agents: AgentRegistry, sessions: SessionStore) -> None:
        self._agents = agents
        self._sessions = sessions

    async def check_room(self, room_name: str, tenant_id: int) -> None:
        """Raise RoomOfOtherTenant: the agent would hear the other tenant's callers."""
        if room_name and await self._sessions.is_room_of_others(room_name, tenant_id):
            raise RoomOfOtherTenant(room_name)

    async def agent_status(self, agent_id: int, tenant_id: int) -> AgentStatus:
        """The status of the tenant's agent. Raises AgentNotFound."""
        status = await self._agents.status(agent_id, tenant_id)
        if not status.registered:
            raise AgentNotFound(agent_id)
        return status

    async def check_agent_row(self, agent_id: int, tenant_id: int) -> None:
        """Raise AgentOfOtherTenant when the platform's table has the agent as another tenant's.

        A tenant that registered such an id would get the callers who wait in that agent's room.
        """
        row = await self._agents.agent_row(agent_id)
        if row is not None and row["tenant_id"] != tenant_id:
            raise AgentOfOtherTenant(agent_id)
