"""Tells the workers of sessions as they are asked for, with PostgreSQL's NOTIFY.

Its manual has that under "Asynchronous Notification". Nothing depends on it: what nobody hears is made
good by LiveKit's own offer. Behind PgBouncer's transaction pooling nobody can listen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Final

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.storage.postgres.connection import DEAD, Connection, brief
from agent_runtime.storage.postgres.database import connection_parameters
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.dispatch_notice import channel_of, payload_of, ring_of
from agent_runtime.storage.sql.statements import Bind, Step
from agent_runtime.telemetry.log_throttle import LogThrottle

logger = logging.getLogger(__name__)

LONGEST: Final = 7_900  # bytes; PostgreSQL refuses 8,000
PAUSE: Final = 1.0  # seconds before a lost connection is tried again
# The other end may vanish without a word, and whoever only listens would never know.
_KEEPALIVES: Final = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2}


class PostgresNotifier:
    """Rings on `database`, which is PostgreSQL."""

    def __init__(self, database: Database, key: str) -> None:
        self._database = database
        self._notify = database.dialect.raw(
            f"SELECT pg_notify('{channel_of(key)}', %s)", Bind("payload", "text")
        )
        self._waiting: list[Step] = []
        self._ringing: asyncio.Task[None] | None = None

    def notify(self, room_name: str, metadata: str) -> None:
        """Tell, without keeping the caller waiting; a failure is logged."""
        payload = payload_of(room_name, metadata)
        if len(payload) > LONGEST:  # ASCII
            return
        self._waiting.append(self._notify.bind(payload=payload))
        if self._ringing is None or self._ringing.done():
            self._ringing = asyncio.create_task(self._ring())

    async def _ring(self) -> None:
        while self._waiting:
            # What came together goes together: each NOTIFY's commit waits for the one before.
            steps, self._waiting = self._waiting, []
            try:
                await self._database.write(*steps)
            except StoreUnavailable as error:
                logger.info("workers not told of %d sessions: %s", len(steps), error)


class PostgresListener:
    """Hears what is rung, on a connection of its own. Implements the port Ear."""

    def __init__(self, url: str, key: str) -> None:
        # The connection is silent for hours, which no timeout of a statement is meant for.
        self._parameters = connection_parameters(url, prepare=False) | _KEEPALIVES
        self._listen = f"LISTEN {channel_of(key)}"
        self._deaf = LogThrottle(logger, "not listening for sessions")

    async def notices(self) -> AsyncIterator[tuple[str, str]]:
        """Room and metadata of each, from now on; what is rung while the database is away is lost."""
        while True:
            try:
                async for payload in self._payloads():
                    if notify := ring_of(payload):
                        yield notify
            except (*DEAD, OSError) as error:
                self._deaf.failed(brief(error))
            await asyncio.sleep(PAUSE)

    async def _payloads(self) -> AsyncIterator[str]:
        connection = await Connection.open(self._parameters, prepare=False)
        try:
            await connection.say(self._listen)
            self._deaf.recovered()
            while True:
                for payload in await connection.heard():
                    yield payload
        finally:
            connection.close()
