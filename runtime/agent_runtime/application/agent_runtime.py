"""The use cases behind the HTTP API, independent of transport and database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from agent_runtime.agents.checks.effects import without_effect
from agent_runtime.agents.templates import Templates
from agent_runtime.application.creates.creation import CreateRules, SessionCreator
from agent_runtime.application.creates.variable_check import VariableCheck
from agent_runtime.application.readiness import Readiness
from agent_runtime.application.registration import Registrar
from agent_runtime.application.serviceability import Serviceability
from agent_runtime.application.tenants import Tenants, check_tenant
from agent_runtime.domain.agents.agent import AgentStatus
from agent_runtime.domain.clock import MACHINE, Clock
from agent_runtime.domain.errors import (
    MAX_ISSUES,
    LiveKitUnavailable,
    SessionNotFound,
)
from agent_runtime.domain.metrics import AgentMetrics, DateRange, SessionMetrics, TenantMetrics
from agent_runtime.domain.ports.agents import AgentRegistry
from agent_runtime.domain.ports.livekit import Health, Rooms
from agent_runtime.domain.ports.metrics import MetricsStore
from agent_runtime.domain.ports.sessions import SessionStore
from agent_runtime.domain.session import (
    ENDED_OVER_HTTP,
    RepeatableRequest,
    Session,
    SessionStatus,
    new_session,
)
from agent_runtime.providers.common.spec import ProviderDefaults, Stage

logger = logging.getLogger(__name__)

# Seconds that the removal of agents from rooms may take, however many: the client waits for it, and the
# agents leave by themselves with their next heartbeat.
REMOVAL_DEADLINE: Final = 3.0
# Seconds for which an agent that talks may leave by itself, before it is removed: it learns of the end with
# its next heartbeat, closes the text that it sends into the room, and goes. A page that reads it gets an
# error otherwise.
LEAVING: Final = 2.0
# Removals that wait at the same time; further agents are removed at once.
MAX_LEAVING: Final = 1000
# Agents removed at the same time; each takes a connection to LiveKit.
MAX_REMOVALS: Final = 16


class AgentRuntime:
    """Registers agents, starts and ends their sessions, reads their metrics.

    With `only_tenant`, a method is limited to what belongs to that tenant.
    """

    def __init__(
        self,
        *,
        agents: AgentRegistry,
        sessions: SessionStore,
        metrics: MetricsStore,
        rooms: Rooms,
        database: Health,
        default_max_sessions: int,
        providers: Mapping[Stage, Mapping[str, ProviderDefaults]],
        templates: Templates | None = None,
        serviceability: Serviceability | None = None,
        rules: CreateRules | None = None,
        clock: Clock = MACHINE,
    ) -> None:
        """`providers` has the addresses and rules by which those of an agent are judged.

        `rules` are those of creates. With `serviceability`, an agent is refused whose providers no running
        worker can serve.
        """
        self._agents = agents
        self._sessions = sessions
        self._metrics = metrics
        self._rooms = rooms
        self._tenants = Tenants(agents, sessions)
        self._readiness = Readiness({"database": database, "LiveKit": rooms})
        templates = templates or Templates()
        self._registrar = Registrar(
            agents, providers, default_max_sessions, templates, serviceability
        )
        self._clock = clock
        self._creator = SessionCreator(
            sessions,
            rooms,
            self._tenants,
            VariableCheck(agents, templates, clock),
            rules or CreateRules(),
            self._remove_agent,
        )
        self._leaving: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """Cancel the background work."""
        self._creator.stop()
        for task in self._leaving:
            task.cancel()

    async def register(
        self,
        agent_id: int,
        tenant_id: int,
        config: Mapping[str, Any],
        *,
        only_tenant: int | None = None,
    ) -> list[str]:
        """Register an agent, or replace its configuration; its sessions stay.

        Returns a warning for each key of the configuration that is set and has no effect, and for each text
        with braces that is no template, and for each provider of which nobody knows whether it can be
        served; at most `MAX_ISSUES`.
        Raises InvalidAgentConfig, naming every faulty field; OtherTenant; AgentOfOtherTenant.
        """
        check_tenant(only_tenant, tenant_id)
        if only_tenant is not None:
            await self._tenants.check_agent_row(agent_id, only_tenant)
        registered = await self._registrar.register(agent_id, tenant_id, config)
        return [*without_effect(config), *registered.warnings][:MAX_ISSUES]

    async def unregister(self, agent_id: int, *, only_tenant: int | None = None) -> None:
        """Delete the registration, end its sessions, remove its agents from the rooms.

        An unknown id is no error, but to a tenant: raises AgentNotFound.
        """
        await self._let_agents_leave(await self._agents.unregister(agent_id, only_tenant))

    async def agent_status(self, agent_id: int, *, only_tenant: int | None = None) -> AgentStatus:
        """Whether the agent is registered, and how many sessions it holds.

        Raises AgentNotFound when `only_tenant` has not registered it.
        """
        if only_tenant is not None:
            return await self._tenants.agent_status(agent_id, only_tenant)
        return await self._agents.status(agent_id)

    async def registered_agents(self, *, only_tenant: int | None = None) -> list[int]:
        """Ids of the registered agents, in the order of registration."""
        return await self._agents.list_ids(only_tenant)

    async def create_session(
        self,
        agent_id: int,
        tenant_id: int,
        room_name: str,
        participant_name: str | None,
        participant_identity: str | None = None,
        values: Mapping[str, Any] | None = None,
        request: RepeatableRequest | None = None,
        *,
        only_tenant: int | None = None,
    ) -> Session:
        """Store a session within the agent's capacity and dispatch an agent into its room.

        The agent serves the participant of `participant_identity`; by default the first who may speak.
        `values` are those of variables in the agent's texts. A `request` that was made before returns the
        session that it made.

        Raises OtherTenant, RoomOfOtherTenant, NoFreeWorker, AgentNotRegistered, TenantMismatch,
        AgentAtCapacity, TenantAtCapacity, QueueFull, VariablesMissing, RequestDiffers, RequestInFlight,
        StoreUnavailable or LiveKitUnavailable. After the last two, a session that was stored, or will be,
        ends as an error, so that it never holds capacity without an agent.
        """
        check_tenant(only_tenant, tenant_id)

        def new() -> Session:
            return new_session(
                agent_id,
                tenant_id,
                room_name,
                participant_name,
                participant_identity,
                values=values,
                now=self._clock.wall(),
            )

        return await self._creator.create(new, request, only_tenant)

    async def end_session(self, session_id: str, *, only_tenant: int | None = None) -> None:
        """End a session and remove its agent from the room; ending it twice is no error.

        Raises SessionNotFound, also for a session that is not `only_tenant`'s.
        """
        if only_tenant is not None:
            await self.session(session_id, only_tenant=only_tenant)
        session = await self._sessions.finish(session_id, SessionStatus.ENDED, ENDED_OVER_HTTP)
        if session is None:
            raise SessionNotFound(session_id)
        await self._let_agents_leave([session])

    async def session(self, session_id: str, *, only_tenant: int | None = None) -> Session:
        """The session. Raises SessionNotFound, also when it is not `only_tenant`'s."""
        session = await self._sessions.get(session_id)
        if session is None or only_tenant not in (None, session.tenant_id):
            raise SessionNotFound(session_id)
        return session

    async def agent_metrics(
        self, agent_id: int, dates: DateRange, *, only_tenant: int | None = None
    ) -> AgentMetrics:
        """Metrics of an agent over the sessions that started in the range.

        Raises AgentNotFound when `only_tenant` neither has it nor had a session with it in the range.
        """
        metrics = await self._metrics.agent(agent_id, dates, only_tenant)
        if only_tenant is not None and not metrics.total_sessions:
            await self._tenants.agent_status(agent_id, only_tenant)
        return metrics

    async def tenant_metrics(
        self, tenant_id: int, dates: DateRange, *, only_tenant: int | None = None
    ) -> TenantMetrics:
        """Metrics of a tenant over the sessions that started in the range. Raises OtherTenant."""
        check_tenant(only_tenant, tenant_id)
        return await self._metrics.tenant(tenant_id, dates)

    async def session_metrics(
        self, session_id: str, *, only_tenant: int | None = None
    ) -> SessionMetrics:
        """Metrics of a session. Raises SessionNotFound, also when it is not `only_tenant`'s."""
        if only_tenant is not None:
            await self.session(session_id, only_tenant=only_tenant)
        metrics = await self._metrics.session(session_id)
        if metrics is None:
            raise SessionNotFound(session_id)
        return metrics

    async def not_ready(self) -> Mapping[str, str]:
        """Why database or LiveKit is not usable, by part; empty when both are. At most a second old."""
        return await self._readiness.problems()

    async def _let_agents_leave(self, sessions: Sequence[Session]) -> None:
        """Remove the agents of final sessions, those that talk after a time in which they may leave."""
        talking = [session for session in sessions if session.had_agent]
        if talking and len(self._leaving) < MAX_LEAVING:
            task = asyncio.create_task(self._remove_later(talking))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
            sessions = [session for session in sessions if not session.had_agent]
        await self._remove_agents(sessions)

    async def _remove_later(self, sessions: Sequence[Session]) -> None:
        await asyncio.sleep(LEAVING)
        await self._remove_agents(sessions)

    async def _remove_agents(self, sessions: Sequence[Session]) -> None:
        """Remove the agents of final sessions from their rooms, together and within one deadline."""
        places = asyncio.Semaphore(MAX_REMOVALS)

        async def remove(session: Session) -> None:
            async with places:
                await self._remove_agent(session)

        try:
            async with asyncio.timeout(REMOVAL_DEADLINE), asyncio.TaskGroup() as removing:
                for session in sessions:
                    removing.create_task(remove(session))
        except TimeoutError:
            # As below: the agents leave by themselves.
            logger.warning(
                "LiveKit is too slow: not all agents of %d sessions are removed", len(sessions)
            )

    async def _remove_agent(self, session: Session) -> None:
        try:
            if session.has_room_of_its_own:
                # Its callers came for this session: the end of the room tells them that it is over.
                await self._rooms.close_room(session.room_name)
            else:
                await self._rooms.remove_agent(session)
        except LiveKitUnavailable as error:
            # The row is final already: the agent reads it with its next heartbeat and leaves.
            logger.warning("agent is not removed from room %s yet: %s", session.room_name, error)
