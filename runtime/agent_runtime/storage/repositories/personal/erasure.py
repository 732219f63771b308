"""Finds and erases what the database holds of one caller.

A caller is known by the identity with which LiveKit has them in a room; rows of the tiers below `full` have
its pseudonym. Rows of the shared schema stay, without the caller: sums and other rows refer to them. Those
of the runtime's own tables are deleted. All tables are read in pieces along their keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from agent_runtime.domain.callers.erasure import Finding
from agent_runtime.domain.callers.privacy import Pseudonyms
from agent_runtime.storage.repositories.personal.columns import without_caller
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import Bind, BindType, Statement, Step
from agent_runtime.storage.sql.times import aware
from agent_runtime.text.redaction import Redactor, is_personal

# Keys that one statement looks at.
WINDOW: Final = 20_000
# Statements of one transaction.
WRITES: Final = 100
ERASED: Final = "erased"
# Fewest digits of a telephone number that is looked for in the names of rooms.
_SHORTEST_TELEPHONE: Final = 7
# The columns of the shared schema's tables that may name a caller or quote one, by table.
_TEXTS: Final[Mapping[str, Sequence[str]]] = {
    "langfuse_traces": ("name", "user_id", "input", "output", "metadata", "tags"),
    "langfuse_metrics": ("metadata",),
    "session_metrics": ("metadata",),
    "agent_metrics": ("metric_label", "metadata"),
}
# The runtime's own tables of single sessions: the key's column and its type.
_OF_SESSIONS: Final = (
    ("runtime_session_events", "id", "bigint"),
    ("runtime_utterances", "id", "bigint"),
    ("runtime_requests", "key", "text"),
)


@dataclass
class _Found:
    """The rows that name the caller: keys by table, the caller's sessions, and the changes to make."""

    keys: dict[str, list[int | str]] = field(default_factory=dict)
    sessions: dict[str, bool] = field(default_factory=dict)  # whether it lives, by id
    steps: list[Step] = field(default_factory=list)

    def add(self, table: str, key: int | str, step: Step) -> None:
        """Note a row and what erases the caller from it."""
        self.keys.setdefault(table, []).append(key)
        self.steps.append(step)


class CallerRows(Store):
    """Implements the port CallerRecords."""

    def __init__(self, database: Database, pseudonyms: Pseudonyms) -> None:
        super().__init__(database)
        self._pseudonyms = pseudonyms
        self._statements: dict[str, Statement] = {}

    async def find(self, identity: str, sessions: Iterable[str] = ()) -> Finding:
        """How many rows of each table name the caller, and which sessions are theirs.

        `sessions` are further sessions of the caller, known from an earlier search.
        """
        found = await self._search(identity, sessions)
        return Finding(
            {table: len(keys) for table, keys in sorted(found.keys.items())},
            tuple(found.sessions),
            tuple(session for session, lives in found.sessions.items() if lives),
        )

    async def erase(self, identity: str) -> None:
        """Erase the caller from every row that `find` counts."""
        found = await self._search(identity, ())
        for start in range(0, len(found.steps), WRITES):
            await self._database.write(*found.steps[start : start + WRITES])

    async def _search(self, identity: str, sessions: Iterable[str]) -> _Found:
        names = frozenset({identity, self._pseudonyms.of(identity)})
        digits = re.sub(r"\D", "", identity)
        telephone = digits if is_personal(identity) and len(digits) >= _SHORTEST_TELEPHONE else ""
        found = _Found(sessions=dict.fromkeys(sessions, False))
        visits = await self._participants(names, found)
        await self._rooms(names, telephone, found)
        await self._sessions(names, telephone, visits, found)
        for session_id in found.sessions:
            await self._of_session(session_id, found)
        for table, columns in _TEXTS.items():
            await self._texts(table, columns, names, found)
        return found

    async def _participants(self, names: frozenset[str], found: _Found) -> list[Sequence[Any]]:
        """The caller's stays: the room's name, and the times of coming and leaving."""
        visits = []
        query = (
            "SELECT p.id, p.identity, p.metadata, r.room_name, p.joined_at, p.left_at "
            "FROM participants p JOIN rooms r ON r.id = p.room_id "
            "WHERE p.id > {integer:after} AND p.id <= {integer:until} AND (p.identity = {text:a} "
            "OR p.identity = {text:b} OR CAST(p.metadata AS text) LIKE {text:like_a} ESCAPE '!' "
            "OR CAST(p.metadata AS text) LIKE {text:like_b} ESCAPE '!')"
        )
        change = (
            "UPDATE participants SET identity = {text:erased}, name = NULL, metadata = NULL "
            "WHERE id = {integer:key}"
        )
        async for row in self._windows("participants", query, **_likes(names)):
            if row[1] in names or _mentions(row[2], names):
                found.add("participants", row[0], self._step(change, key=row[0], erased=ERASED))
                visits.append(row[3:])
        return visits

    async def _rooms(self, names: frozenset[str], telephone: str, found: _Found) -> None:
        query = (
            "SELECT id, room_name, metadata FROM rooms "
            "WHERE id > {integer:after} AND id <= {integer:until} AND (room_name LIKE {text:number} "
            "OR CAST(metadata AS text) LIKE {text:like_a} ESCAPE '!' "
            "OR CAST(metadata AS text) LIKE {text:like_b} ESCAPE '!')"
        )
        change = (
            "UPDATE rooms SET room_name = {text:name}, metadata = NULL WHERE id = {integer:key}"
        )
        async for key, name, metadata in self._windows(
            "rooms", query, number=f"%{telephone}%" if telephone else "", **_likes(names)
        ):
            called = _has_number(name, telephone)
            if called or _mentions(metadata, names):
                masked = _without_number(name) if called else name
                found.add("rooms", key, self._step(change, key=key, name=masked))

    async def _sessions(
        self,
        names: frozenset[str],
        telephone: str,
        visits: Sequence[Sequence[Any]],
        found: _Found,
    ) -> None:
        columns = (
            "SELECT s.id, s.session_id, s.room_name, s.metadata, s.started_at, s.ended_at, l.session_id "
            "FROM agent_instance_sessions s "
            "LEFT JOIN runtime_live_sessions l ON l.session_id = s.session_id "
            "WHERE s.id > {integer:after} AND s.id <= {integer:until} AND "
        )
        named = (
            f"{columns}(s.room_name LIKE {{text:number}} "
            "OR CAST(s.metadata AS text) LIKE {text:like_a} ESCAPE '!' "
            "OR CAST(s.metadata AS text) LIKE {text:like_b} ESCAPE '!')"
        )
        table = "agent_instance_sessions"
        rows = [
            row
            async for row in self._windows(
                table, named, number=f"%{telephone}%" if telephone else "", **_likes(names)
            )
            if _has_number(row[2], telephone) or _mentions(row[3], names)
        ]
        for room, came, left in visits:
            query = f"{columns}s.room_name = {{text:room}}"
            rows += [
                row
                async for row in self._windows(table, query, room=room)
                if _overlap(row[4], row[5], came, left)
            ]
        change = (
            "UPDATE agent_instance_sessions SET room_name = {text:name}, metadata = {json:metadata} "
            "WHERE id = {integer:key}"
        )
        for key, session_id, room, metadata, _, _, lease in {row[0]: row for row in rows}.values():
            found.sessions[session_id] = lease is not None
            if changed := without_caller(room, metadata):
                step = self._step(change, key=key, name=changed[0], metadata=changed[1])
                found.add(table, key, step)

    async def _of_session(self, session_id: str, found: _Found) -> None:
        for table, column, kind in _OF_SESSIONS:
            query = f"SELECT {column} FROM {table} WHERE session_id = {{text:session_id}}"  # noqa: S608
            change = f"DELETE FROM {table} WHERE {column} = {{{kind}:key}}"  # noqa: S608
            for (key,) in await self._database.scan(self._step(query, session_id=session_id)):
                found.add(table, key, self._step(change, key=key))

    async def _texts(
        self, table: str, columns: Sequence[str], names: frozenset[str], found: _Found
    ) -> None:
        """Rows whose texts name the caller, and the traces of the caller's sessions."""
        shown = ", ".join(columns)
        like = " OR ".join(
            f"CAST({column} AS text) LIKE {{text:{name}}} ESCAPE '!'"
            for column in columns
            for name in ("like_a", "like_b")
        )
        query = (
            f"SELECT id, {shown} FROM {table} "  # noqa: S608 - names of our own
            f"WHERE id > {{integer:after}} AND id <= {{integer:until}} AND ({like})"
        )
        nothing = ", ".join(f"{column} = NULL" for column in columns)
        change = f"UPDATE {table} SET {nothing} WHERE id = {{integer:key}}"  # noqa: S608
        keys = {
            row[0]
            async for row in self._windows(table, query, **_likes(names))
            if any(_mentions(value, names) for value in row[1:])
        }
        if table == "langfuse_traces" and found.sessions:
            kept = " OR ".join(f"{column} IS NOT NULL" for column in columns)
            query = (
                f"SELECT id, session_id FROM {table} "  # noqa: S608 - names of our own
                f"WHERE id > {{integer:after}} AND id <= {{integer:until}} AND ({kept}) "
                "AND session_id IS NOT NULL"
            )
            async for key, session_id in self._windows(table, query):
                if session_id in found.sessions:
                    keys.add(key)
        for key in sorted(keys):
            found.add(table, key, self._step(change, key=key))

    async def _windows(self, table: str, query: str, **values: Any) -> AsyncIterator[Sequence[Any]]:
        """The rows of the query, which looks at the keys after `after` up to `until`."""
        newest = f"SELECT COALESCE(MAX(id), 0) FROM {table}"  # noqa: S608 - names of our own
        ((last,),) = await self._database.scan(self._step(newest))
        for after in range(0, last, WINDOW):
            until = min(after + WINDOW, last)
            for row in await self._database.scan(
                self._step(query, after=after, until=until, **values)
            ):
                yield row

    def _step(self, sql: str, **values: Any) -> Step:
        """The statement with `{type:name}` for each value; each text is compiled once."""
        statement = self._statements.get(sql)
        if statement is None:
            binds: list[Bind] = []
            mark = "%s" if self.dialect.name == "postgresql" else "?"

            def place(match: re.Match[str]) -> str:
                kind: BindType = match[1]  # type: ignore[assignment]
                binds.append(Bind(match[2], kind))
                return mark

            text = re.sub(r"\{(\w+):(\w+)\}", place, sql)
            statement = self._statements[sql] = self.dialect.raw(text, *binds)
        return statement.bind(**values)


def _likes(names: frozenset[str]) -> dict[str, str]:
    """Values that find the names, as JSON has them, in a text; the caller checks what was found."""
    first, second = sorted(names)
    likes = {"a": first, "b": second}
    for key, name in tuple(likes.items()):
        # PostgreSQL keeps the text of a JSON value as it was written: with or without escapes. Of a name
        # beyond ASCII only its beginning is looked for, which both spellings share.
        plain = re.match(r"[\x20-\x21\x23-\x2e\x30-\x5b\x5d-\x7e]*", name)
        prefix = plain[0] if plain else ""
        likes[f"like_{key}"] = f"%{re.sub('[!%_]', lambda one: '!' + one[0], prefix)}%"
    return likes


def _mentions(value: Any, names: frozenset[str]) -> bool:
    """Whether a JSON value is, or holds, one of the names as a text of its own."""
    if isinstance(value, str):
        if value in names:
            return True
        try:
            value = json.loads(value)
        except ValueError:
            return False
        if isinstance(value, str):
            return value in names
    if isinstance(value, Mapping):
        return any(_mentions(one, names) for one in value.values())
    if isinstance(value, list):
        return any(_mentions(one, names) for one in value)
    return False


def _has_number(room_name: str, telephone: str) -> bool:
    return bool(telephone) and telephone in re.sub(r"\D", "", room_name)


def _without_number(room_name: str) -> str:
    return Redactor(shortest=_SHORTEST_TELEPHONE).text(room_name)


def _overlap(started: Any, ended: Any, came: Any, left: Any) -> bool:
    """Whether a session and a stay have a moment in common; what has no end goes on."""
    begins_before_leaving = left is None or aware(started) <= aware(left)
    return begins_before_leaving and (ended is None or aware(ended) >= aware(came))
