"""Connections to the worker's port for probes: few, short, and one request each.

Each takes a file descriptor of the worker, which its calls need as well.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from aiohttp import web

from agent_runtime.domain.connections import ConnectionLimit
from agent_runtime.telemetry.log_throttle import LogThrottle

logger = logging.getLogger(__name__)

# Connections at a time, and of one address: some probes and scrapers, each for a moment.
MAX_CONNECTIONS: Final = 64
MAX_PER_ADDRESS: Final = 32
# Seconds from connect until the response must be read: no probe waits for longer.
LIFETIME: Final = 10.0


class BoundedConnections:
    """Makes the protocols of `server`, within the limits above."""

    def __init__(self, server: web.Server) -> None:
        self._server = server
        self._limit: ConnectionLimit[_Connection] = ConnectionLimit(
            MAX_CONNECTIONS, MAX_PER_ADDRESS
        )
        self._crowd = LogThrottle(logger, "too many connections to the worker's port for probes")

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return _Connection(self._server, self, loop=asyncio.get_running_loop(), access_log=None)

    def opened(self, connection: _Connection, address: str) -> bool:
        """Count it; False when it has to go."""
        victim = self._limit.opened(connection, address)
        if victim is not None:
            self._crowd.failed(f"one of {address} is closed")
            if victim is connection:
                return False
            victim.abort()
        return True

    def serving(self, connection: object) -> None:
        """A complete request arrived."""
        if isinstance(connection, _Connection):
            self._limit.serving(connection)

    def closed(self, connection: _Connection) -> None:
        """It has ended."""
        self._limit.closed(connection)
        if self._limit.is_relaxed:
            self._crowd.recovered()


class _Connection(web.RequestHandler):
    def __init__(self, server: web.Server, all_: BoundedConnections, **options: Any) -> None:
        super().__init__(server, **options)
        self._all = all_
        self._deadline: asyncio.TimerHandle | None = None
        self._taken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        address = str((transport.get_extra_info("peername") or ("",))[0])
        self._taken = self._all.opened(self, address)
        if not self._taken:
            transport.abort()  # type: ignore[attr-defined]
            return
        super().connection_made(transport)
        self._deadline = self._loop.call_later(LIFETIME, self.abort)

    def connection_lost(self, exc: BaseException | None) -> None:
        if not self._taken:
            return
        if self._deadline is not None:
            self._deadline.cancel()
        self._all.closed(self)
        super().connection_lost(exc)

    def abort(self) -> None:
        """Close the connection at once."""
        if self.transport is not None:
            self.transport.abort()
