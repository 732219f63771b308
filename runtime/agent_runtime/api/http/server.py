"""The HTTP server: uvicorn, within limits, stopped by signals."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn
from uvicorn.config import Config

from agent_runtime.api.http.limits import LimitedProtocol, ReadTimeouts
from agent_runtime.domain.errors import CannotStart

logger = logging.getLogger(__name__)

KEEP_ALIVE: Final = 5  # seconds; as the Node.js version, which told its clients so
SHUTDOWN: Final = 20  # seconds for requests that are under way; no request may take that long
BACKLOG: Final = 2048


def listen(host: str, port: int) -> socket.socket:
    """A socket on which clients may queue from now on; port 0 takes any free one.

    Raises CannotBegin when the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotStart.on(host, port, error, what="the API", settings="HOST and PORT") from error


class ApiServer(uvicorn.Server):
    """Serves one ASGI application on one socket until a signal or `stop()`.

    The first SIGTERM or SIGINT takes no new connections and finishes what is under way; the second
    leaves at once.
    """

    def __init__(self, app: Any, patience: ReadTimeouts | None = None) -> None:
        within = patience or ReadTimeouts()
        protocol = type("Protocol", (LimitedProtocol,), {"patience": within})
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
                headers=[("keep-alive", f"timeout={KEEP_ALIVE}")],
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=SHUTDOWN,
            )
        )
        # It would tell of every malformed request a second time; ours say more.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)

    async def serve_on(self, listening: socket.socket) -> None:
        """Serve until stopped; closes the socket."""
        await self.serve(sockets=[listening])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say where we listen once we do, and once signals are ours."""
        await super().startup(sockets)
        for listening in sockets or ():
            host, port = listening.getsockname()[:2]
            logger.info("API listening on http://%s:%s", host, port)

    def stop(self) -> None:
        """Finish what is under way and return from `serve_on`; at once when called again."""
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on signals; unlike uvicorn's own, without raising them again: we end with code 0."""
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
