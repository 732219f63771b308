"""Dispatch notifications by PostgreSQL's NOTIFY (its manual, "Asynchronous Notification").

No session depends on them: LiveKit offers the job to a worker as well. They do not work behind PgBouncer's
transaction pooling, where nobody can listen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Final

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.storage.postgres.connection import DEAD, Connection
from agent_runtime.storage.postgres.database import connection_parameters
from agent_runtime.storage.postgres.errors import brief
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.dispatch_notice import decode_notice
from agent_runtime.storage.sql.statements import Bind, Step
from agent_runtime.telemetry.log_throttle import LogThrottle

logger = logging.getLogger(__name__)

PAUSE: Final = 1.0  # seconds before a lost connection is opened again
# Without keepalives, a connection that only listens would never notice that the other end is gone.
_KEEPALIVES: Final = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2}


class PostgresNotifier:
    """Implements the port DispatchNotifier on `database`, which is PostgreSQL."""

    def __init__(self, database: Database, channel: str) -> None:
        self._database = database
        self._notify = database.dialect.raw(
            f"SELECT pg_notify('{channel}', %s)", Bind("payload", "text")
        )
        self._queue: list[Step] = []
        self._sending: asyncio.Task[None] | None = None

    def notify(self, session_id: str) -> None:
        """Queue the notice and return at once; a failure to send it is logged."""
        self._queue.append(self._notify.bind(payload=session_id))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        while self._queue:
            # Send what was queued together in one transaction: the commits of NOTIFY wait for each other.
            steps, self._queue = self._queue, []
            try:
                await self._database.write(*steps)
            except StoreUnavailable as error:
                logger.info("workers were not notified of %d sessions: %s", len(steps), error)


class PostgresListener:
    """Implements the port DispatchListener on a connection of its own."""

    def __init__(self, url: str, channel: str) -> None:
        # Without a statement timeout (`prepare`): this connection is silent for hours.
        self._parameters = connection_parameters(url, prepare=False) | _KEEPALIVES
        self._listen = f"LISTEN {channel}"
        self._outage = LogThrottle(logger, "not listening for sessions")

    async def notices(self) -> AsyncIterator[str]:
        """The session's id of each notice from now on. Those sent during an outage are lost."""
        while True:
            try:
                async for payload in self._payloads():
                    if notice := decode_notice(payload):
                        yield notice
            except (*DEAD, OSError) as error:
                self._outage.failed(brief(error))
            await asyncio.sleep(PAUSE)

    async def _payloads(self) -> AsyncIterator[str]:
        connection = await Connection.open(self._parameters, prepare=False)
        try:
            await connection.execute(self._listen)
            self._outage.recovered()
            while True:
                for payload in await connection.notifications():
                    yield payload
        finally:
            connection.close()
