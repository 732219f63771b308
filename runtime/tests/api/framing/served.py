"""The API's own application on a server in this process, with use cases that only take notes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

from agent_runtime.api.app import AuthPolicy, create_app
from agent_runtime.api.http.server import ApiServer, listen
from agent_runtime.api.resources.webhooks import Webhooks
from agent_runtime.application.agent_runtime import AgentRuntime
from agent_runtime.domain.errors import SessionNotFound

KEY: Final = "the-key"


class Notes:
    """The use cases that the corpus reaches; `done` lists what was carried out, in order."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def register(
        self, agent_id: int, _tenant_id: int, _config: Any, **_limits: int | None
    ) -> list[str]:
        """Note a registration; no warnings."""
        self.done.append(f"register {agent_id}")
        return []

    async def unregister(self, agent_id: int, **_limits: int | None) -> None:
        """Note a deletion."""
        self.done.append(f"delete {agent_id}")

    async def registered_agents(self, **_limits: int | None) -> list[int]:
        """Note a listing."""
        self.done.append("agents")
        return []

    async def end_session(self, session_id: str, **_limits: int | None) -> None:
        """Note an end; no session exists."""
        self.done.append(f"end {session_id}")
        raise SessionNotFound(session_id)


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: its port, and what its application notes."""

    port: int
    notes: Notes


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    """Serve on a free port."""
    notes = Notes()

    def no_webhook(_auth: str, _body: bytes) -> dict[str, Any]:
        raise ValueError("no webhooks here")

    app = create_app(
        cast("AgentRuntime", notes),
        AuthPolicy(KEY),
        webhooks=Webhooks(no_webhook, lambda: None),
        callers=cast("Any", None),
        overview=cast("Any", None),
    )
    listening = listen("127.0.0.1", 0)
    # uvloop sets this for every connection, asyncio not for those of a socket of ours: the second part
    # of an answer would wait 40 ms for the client's acknowledgement of the first.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    port = listening.getsockname()[1]
    server = ApiServer(app)
    task = asyncio.create_task(server.serve_on(listening))
    try:
        yield Served(port, notes)
    finally:
        server.stop()
        await asyncio.wait_for(task, 10)
