"""Creates a session and dispatches the agent into its room."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent_runtime.application.creates.limits import LimitsOfCreates
from agent_runtime.application.creates.refused_sessions import RefusedSessions
from agent_runtime.application.creates.repeated_requests import RepeatedRequests
from agent_runtime.application.creates.variable_check import VariableCheck
from agent_runtime.application.tenants import Tenants
from agent_runtime.domain.access.tenants import TenantMismatch
from agent_runtime.domain.errors import (
    AgentNotRegistered,
    LiveKitUnavailable,
    NoFreeWorker,
    StoreUnavailable,
    VariablesUnchecked,
)
from agent_runtime.domain.ports.livekit import Rooms
from agent_runtime.domain.ports.sessions import SessionStore
from agent_runtime.domain.ports.workers import Availability
from agent_runtime.domain.session import (
    NO_LIMITS,
    CreateLimits,
    RepeatableRequest,
    Session,
    SessionStatus,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CreateRules:
    """What creates obey beside the agent's own capacity.

    With `availability`, a create is refused while all workers are full; without, it is queued, within
    `limits`. Creates that are sent again need `repeated`.
    """

    availability: Availability | None = None
    limits: LimitsOfCreates | None = None
    repeated: RepeatedRequests | None = None


class SessionCreator:
    """Runs the creates; a refused one leaves no session behind, however late it is stored."""

    def __init__(
        self,
        sessions: SessionStore,
        rooms: Rooms,
        tenants: Tenants,
        variables: VariableCheck,
        rules: CreateRules,
        remove_agent: Callable[[Session], Awaitable[None]],
    ) -> None:
        self._sessions = sessions
        self._rooms = rooms
        self._tenants = tenants
        self._variables = variables
        self._rules = rules
        self._refused_sessions = RefusedSessions(sessions, remove_agent)

    def stop(self) -> None:
        """Cancel the background work."""
        self._refused_sessions.stop()

    async def create(
        self,
        new: Callable[[], Session],
        request: RepeatableRequest | None,
        only_tenant: int | None,
    ) -> Session:
        """Create the session that `new` returns, or return that of the same request made before."""

        async def make() -> Session:
            return await self._create(new(), request, only_tenant)

        if request is None or self._rules.repeated is None:
            return await make()
        return await self._rules.repeated.create(request, make)

    async def _create(
        self, session: Session, request: RepeatableRequest | None, only_tenant: int | None
    ) -> Session:
        if only_tenant is not None and not session.has_room_of_its_own:
            await self._tenants.check_room(session.room_name, only_tenant)
        if self._rules.availability is not None:
            seconds = await self._rules.availability.retry_after()
            if seconds is not None:
                raise NoFreeWorker(seconds)
        limits = NO_LIMITS
        if self._rules.limits is not None:
            limits = await self._rules.limits.of(session.tenant_id)
        try:
            await self._store(session, limits, request)
        except TenantMismatch:
            if only_tenant is not None:  # whose it is, is none of their business
                raise AgentNotRegistered(session.agent_id) from None
            raise
        except StoreUnavailable as error:
            self._refused_sessions.add(session.session_id, f"refused: {error}")
            raise
        try:
            await self._rooms.dispatch(session, session.variables)
        except LiveKitUnavailable as error:
            await self._end_as_error(session, str(error))
            raise
        return session

    async def _store(
        self, session: Session, limits: CreateLimits, request: RepeatableRequest | None
    ) -> None:
        try:
            await self._sessions.create(session, limits, request)
        except VariablesUnchecked:
            await self._variables.check(session)
            await self._sessions.create(session, limits, request, is_checked=True)

    async def _end_as_error(self, session: Session, reason: str) -> None:
        try:
            await self._sessions.finish(session.session_id, SessionStatus.ERROR, reason)
        except StoreUnavailable as error:
            logger.warning("session %s is not ended yet: %s", session.session_id, error)
            self._refused_sessions.add(session.session_id, reason)
