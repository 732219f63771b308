"""The leader lock on PostgreSQL; `engines/leader_lock.py` explains what it is for."""

from __future__ import annotations

import asyncio
from typing import Final

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.storage.postgres.connection import DEAD, Connection
from agent_runtime.storage.postgres.database import LOCK_NAMESPACE, connection_parameters
from agent_runtime.storage.postgres.errors import brief

# Seconds for one answer on the lock's connection, after which the lock counts as lost.
TIMEOUT: Final = 2.0

# A transaction that stays open with keepalives of the server's own: it must notice within seconds that
# this machine is gone. The second key is no agent's id.
_TRY: Final = f"""
    BEGIN;
    SET LOCAL statement_timeout = 0;
    SET LOCAL idle_in_transaction_session_timeout = 0;
    SET LOCAL tcp_keepalives_idle = 2;
    SET LOCAL tcp_keepalives_interval = 1;
    SET LOCAL tcp_keepalives_count = 2;
    SELECT pg_try_advisory_xact_lock({LOCK_NAMESPACE}, %d)
"""


class PostgresLeaderLock:
    """Implements the port LeaderLock."""

    def __init__(self, url: str, *, prepare: bool, key: int = 0) -> None:
        self._try = _TRY % key
        self._parameters = connection_parameters(url, prepare=prepare)
        self._parameters |= {"keepalives_idle": 2, "keepalives_interval": 1, "keepalives_count": 2}
        self._connection: Connection | None = None
        self._held = False

    async def acquire(self) -> bool:
        """Try to take the lock, or check on the server that its connection still lives."""
        try:
            async with asyncio.timeout(TIMEOUT):
                if self._connection is None:
                    self._connection = await Connection.open(self._parameters, prepare=False)
                if self._held:
                    await self._connection.execute("SELECT 1")
                else:
                    self._held = await self._try_lock(self._connection)
        except (*DEAD, OSError, TimeoutError) as error:
            await self.close()
            raise StoreUnavailable(f"database: leader lock: {brief(error)}") from error
        return self._held

    async def close(self) -> None:
        """Close the connection, with which the server frees the lock."""
        self._held = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _try_lock(self, connection: Connection) -> bool:
        rows = await connection.execute(self._try)
        if rows[0][0]:
            return True
        await connection.execute("ROLLBACK")
        return False
