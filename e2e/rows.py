"""The rows that a call leaves, read with plain SQL as the dashboard reads them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Final

import psycopg2
import psycopg2.extras

POLL_SECONDS: Final = 0.1  # a database has no event for "this row has changed"

Row = dict[str, Any]


class Rows:
    """Reads the database behind `url` (sqlite:///... or postgresql://...)."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def session(self, session_id: str) -> Row | None:
        """The session's row, its metadata as a dictionary."""
        found = await self._select("agent_instance_sessions", "session_id", session_id)
        return found[0] if found else None

    async def sessions_of_room(self, room_name: str) -> list[Row]:
        """All sessions of a room, oldest first."""
        return await self._select("agent_instance_sessions", "room_name", room_name)

    async def metrics(self, session_id: str) -> Row | None:
        """The figures of the session's last agent; each that it had has a row of its own."""
        found = await self._select("session_metrics", "session_id", session_id)
        return max(found, key=lambda row: int(row["id"]), default=None)

    async def session_when(
        self, session_id: str, holds: Callable[[Row], bool], timeout: float = 15.0
    ) -> Row:
        """The session's row as soon as `holds` is true of it; AssertionError past the time."""
        return await self._when(lambda: self.session(session_id), holds, timeout)

    async def metrics_when(
        self, session_id: str, holds: Callable[[Row], bool], timeout: float = 15.0
    ) -> Row:
        """The session's figures as soon as `holds` is true of them."""
        return await self._when(lambda: self.metrics(session_id), holds, timeout)

    async def session_of_room_when(
        self, room_name: str, holds: Callable[[Row], bool], timeout: float = 15.0
    ) -> Row:
        """The newest session of a room as soon as `holds` is true of it."""

        async def newest() -> Row | None:
            found = await self.sessions_of_room(room_name)
            return found[-1] if found else None

        return await self._when(newest, holds, timeout)

    async def events(self, session_id: str) -> list[str]:
        """What happened to a session, in order."""
        found = await self._select("runtime_session_events", "session_id", session_id)
        return [row["kind"] for row in found]

    async def claimed_by(self, session_id: str) -> list[str]:
        """The jobs that claimed a session, and their workers, in order."""
        found = await self._select("runtime_session_events", "session_id", session_id)
        return [row["detail"] for row in found if row["kind"] == "claimed"]

    async def phases(self, until: Mapping[str, str]) -> dict[str, str]:
        """The phases of all live sessions by id, once those of `until` are as it says."""
        found: dict[str, str] = {}

        async def read() -> Row:
            rows = await asyncio.to_thread(self._all_now, "runtime_live_sessions")
            found.clear()
            found.update({row["session_id"]: row["phase"] for row in rows})
            return dict(found)

        await self._when(read, lambda row: until.items() <= row.items(), 15)
        return found

    async def instance_when(self, holds: Callable[[Row], bool], timeout: float = 15.0) -> Row:
        """The row of the only worker as soon as `holds` is true of it."""

        async def read() -> Row | None:
            rows = await asyncio.to_thread(self._all_now, "agent_runtime_instances")
            return rows[0] if len(rows) == 1 else None

        return await self._when(read, holds, timeout)

    def _all_now(self, table: str) -> list[Row]:
        query = f"SELECT * FROM {table} WHERE %s <> ''"
        select = _from_sqlite if self._url.startswith("sqlite:") else _from_postgresql
        return [_with_metadata(row) for row in select(self._url, query, "any")]

    async def _when(self, read: Any, holds: Callable[[Row], bool], timeout: float) -> Row:
        deadline = time.monotonic() + timeout
        while True:
            row: Row | None = await read()
            if row is not None and holds(row):
                return row
            if time.monotonic() > deadline:
                raise AssertionError(f"after {timeout:.0f} s the row still is {row}")
            await asyncio.sleep(POLL_SECONDS)

    async def _select(self, table: str, column: str, value: str) -> list[Row]:
        return await asyncio.to_thread(self._select_now, table, column, value)

    def _select_now(self, table: str, column: str, value: str) -> list[Row]:
        query = f"SELECT * FROM {table} WHERE {column} = %s ORDER BY id"
        select = _from_sqlite if self._url.startswith("sqlite:") else _from_postgresql
        return [_with_metadata(row) for row in select(self._url, query, value)]


def _from_sqlite(url: str, query: str, value: str) -> list[Row]:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query.replace("%s", "?"), (value,))]


def _from_postgresql(url: str, query: str, value: str) -> list[Row]:
    with (
        closing(psycopg2.connect(url)) as connection,
        connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor,
    ):
        cursor.execute(query, (value,))
        return [dict(row) for row in cursor.fetchall()]


def _with_metadata(row: Row) -> Row:
    text = row.get("metadata")
    return {**row, "metadata": json.loads(text) if isinstance(text, str) else (text or {})}
