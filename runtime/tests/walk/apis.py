"""API processes: the real use cases, session supervisor, webhook endpoint and LiveKit client."""

from __future__ import annotations

import base64
import hashlib
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from falcon import HTTPUnauthorized
from livekit import api as livekit_api

from agent_runtime.api.resources.webhooks import Webhooks
from agent_runtime.application.agent_runtime import AgentRuntime
from agent_runtime.application.session_supervisor import SessionSupervisor
from agent_runtime.domain.dispatch_rules import DispatchTimeouts
from agent_runtime.domain.errors import LiveKitUnavailable, StoreUnavailable
from agent_runtime.egress.policy import EgressPolicy
from agent_runtime.livekit_api.rooms import LiveKitRooms
from agent_runtime.livekit_api.webhooks import WebhookReader
from agent_runtime.settings import Settings

from .processes import Process

if TYPE_CHECKING:
    from .world import World

KEY, SECRET = "key", "secret-of-thirty-two-characters-"
PROVIDERS = Settings.load({}).providers.defaults(EgressPolicy())
INTERVAL = 0.25  # seconds between two passes of a supervisor


class Lock:
    """The state of the leader lock; the database may drop it without telling its owner."""

    owner: Api | None = None


class LeaderLock:
    """Implements the port LeaderLock with that state."""

    def __init__(self, lock: Lock, api: Api) -> None:
        self._lock = lock
        self._api = api

    async def acquire(self) -> bool:
        """Whether this process holds the lock; a dead owner has released it."""
        await self._api.step()
        if self._api.is_disconnected:
            raise StoreUnavailable("disconnected")
        if self._lock.owner is None or self._lock.owner.dead:
            self._lock.owner = self._api
        return self._lock.owner is self._api

    async def close(self) -> None:
        """Do nothing: the processes of a walk are killed, not closed."""


class Api(Process):
    """One API process on a machine whose clock is `offset` seconds off."""

    def __init__(self, world: World, name: str, offset: float) -> None:
        super().__init__(world, name, offset)
        self.offset = offset
        stores = world.stores
        sessions = self.connected(stores.sessions)
        leases = self.connected(stores.leases)
        rooms = LiveKitRooms("ws://nowhere", KEY, SECRET, on_dispatch=world.notify)
        rooms._livekit = cast("Any", SimpleNamespace(call=world.livekit.api_for(self)))
        self.runtime = AgentRuntime(
            agents=self.connected(stores.agents),
            sessions=sessions,
            metrics=cast("Any", None),
            rooms=rooms,
            database=self.connection,
            default_max_sessions=10,
            providers=PROVIDERS,
            clock=self.clock,
        )
        self.supervisor = SessionSupervisor(
            lock=LeaderLock(world.lock, self),
            leases=leases,
            sessions=sessions,
            workers=self.connected(stores.workers),
            events=self.connected(stores.events),
            transcripts=self.connected(stores.transcripts),
            retention=self.connected(stores.retention),
            rooms=rooms,
            timeouts=DispatchTimeouts(),
            interval=INTERVAL,
            clock=self.clock,
        )
        self._webhooks = Webhooks(WebhookReader(KEY, SECRET).read, self.supervisor.nudge)
        self.start(self.supervisor.run())

    def kill(self) -> None:
        """Kill the process with its background work."""
        super().kill()
        self.runtime.stop()

    async def create(self, agent_id: int, room: str) -> str | None:
        """Create a session; returns its id, None when it was refused."""
        try:
            session = await self.runtime.create_session(agent_id, 3, room, None)
        except (StoreUnavailable, LiveKitUnavailable):
            return None
        return session.session_id

    async def end(self, session_id: str) -> bool:
        """End a session; returns whether that was acknowledged."""
        try:
            await self.runtime.end_session(session_id)
        except StoreUnavailable:
            return False
        return True

    async def receive(self, body: bytes, secret: str = SECRET) -> bool:
        """Receive a webhook that is signed with `secret`; returns whether it was accepted."""
        headers = SimpleNamespace(auth=signed(body, secret), stream=_Stream(body))
        try:
            await self._webhooks.on_post(cast("Any", headers), cast("Any", SimpleNamespace()))
        except HTTPUnauthorized:
            return False
        return True


class _Stream:
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self) -> bytes:
        """The whole body."""
        return self._body


def signed(body: bytes, secret: str) -> str:
    """The Authorization header with which LiveKit signs `body`."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    token = livekit_api.AccessToken(KEY, secret).with_sha256(digest)
    return token.with_ttl(timedelta(seconds=time.monotonic() + 600)).to_jwt()
