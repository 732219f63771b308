"""The HTTP server: uvicorn with request limits, stopped by signals."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final

import uvicorn
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from agent_runtime.api.http.limits import LimitedProtocol, ReadTimeouts
from agent_runtime.domain.connections import ConnectionLimit
from agent_runtime.domain.errors import CannotStart
from agent_runtime.settings.addresses import listening_socket
from agent_runtime.telemetry.log_throttle import LogThrottle

logger = logging.getLogger(__name__)

# Seconds for which an idle connection stays open by default; the value that the Node.js version announced
# to its clients.
KEEP_ALIVE: Final = 5
# Seconds that running requests have to finish at shutdown; no request takes that long.
SHUTDOWN: Final = 20
# Connections that may wait to be accepted.
BACKLOG: Final = 2048
# Connections at a time by default; each takes a file descriptor and some 20 kB.
MAX_CONNECTIONS: Final = 10_000

_crowd: Final = LogThrottle(logger, "too many connections")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; clients can connect from now on. Port 0 takes any free one.

    Raises CannotStart when the address is taken or not ours.
    """
    try:
        return listening_socket(host, port, BACKLOG)
    except OSError as error:
        raise CannotStart.on(host, port, error, what="the API", settings="HOST and PORT") from error


class CountedProtocol(LimitedProtocol):
    """A connection within `limit`, which a subclass sets."""

    limit: ClassVar[ConnectionLimit[CountedProtocol]]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place, and close the connection that has to give way."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        victim = self.limit.opened(self, address)
        if victim is not None:
            _crowd.failed(f"{len(self.limit)} are open; one of {address} is closed")
            victim.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self.limit.closed(self)
        if self.limit.is_relaxed:
            _crowd.recovered()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """The response is sent: the connection may give way again."""
        self.limit.served(self)
        super().on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if not cycle.more_body:  # the request is complete
            self.limit.serving(self)
        super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        """The request is complete: while it is served, the connection gives way to nobody."""
        self.limit.serving(self)
        super().on_message_complete()


class ApiServer(uvicorn.Server):
    """Serves one ASGI application on one socket until a signal or `stop()`.

    The first SIGTERM or SIGINT stops accepting connections and finishes running requests; the second
    exits at once.
    """

    def __init__(
        self,
        app: Any,
        timeouts: ReadTimeouts | None = None,
        *,
        keep_alive: int = KEEP_ALIVE,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        """`keep_alive` is in seconds; of `max_connections` one address has nine tenths at most."""
        limit: ConnectionLimit[CountedProtocol] = ConnectionLimit(
            max_connections, max(1, max_connections * 9 // 10)
        )
        attributes = {"timeouts": timeouts or ReadTimeouts(), "limit": limit}
        protocol = type("Protocol", (CountedProtocol,), attributes)
        super().__init__(
            Config(
                app,
                http=protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                headers=[("keep-alive", f"timeout={keep_alive}")],
                timeout_keep_alive=keep_alive,
                timeout_graceful_shutdown=SHUTDOWN,
            )
        )
        # uvicorn would log every malformed request a second time, with less detail than we do.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)

    async def serve_on(self, listening: socket.socket) -> None:
        """Serve until stopped; closes the socket."""
        await self.serve(sockets=[listening])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Log the address once the server listens and handles signals."""
        await super().startup(sockets)
        for listening in sockets or ():
            host, port = listening.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            logger.info("API listening on http://%s:%s", shown, port)

    def stop(self) -> None:
        """Finish running requests and return from `serve_on`; a second call returns at once."""
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on signals. Unlike uvicorn's own, this does not raise them again: we exit with code 0."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
