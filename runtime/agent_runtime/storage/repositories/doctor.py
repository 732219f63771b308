"""What must hold of the rows at any moment, and where it does not: `agent-runtime doctor`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from agent_runtime.domain.lease import EventKind, Phase
from agent_runtime.domain.session import LIVE, SessionStatus
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import Statement
from agent_runtime.storage.sql.times import aware

# Clocks of several machines may differ by so much; a lease that is older is nobody's.
SILENT: Final = timedelta(seconds=60)

_STATUSES: Final = ", ".join(f"'{status}'" for status in SessionStatus)
_LIVE: Final = ", ".join(f"'{status}'" for status in sorted(LIVE))
_HELD: Final = f"'{Phase.STARTING}', '{Phase.TALKING}'"
_ENDS: Final = f"'{EventKind.ENDED}', '{EventKind.ERROR}'"
_S: Final = "agent_instance_sessions"
_L: Final = "runtime_live_sessions"
_E: Final = "runtime_session_events"

# Each selects what breaks it: whose row it is, and what it says.
LAWS: Final[Sequence[tuple[str, str]]] = (
    (
        f"a session is one of {', '.join(SessionStatus)}",
        f"SELECT session_id, status FROM {_S} WHERE status NOT IN ({_STATUSES})",
    ),
    (
        "a session that lives has a lease",
        (
            f"SELECT session_id, status FROM {_S} s WHERE status IN ({_LIVE}) "
            f"AND NOT EXISTS (SELECT 1 FROM {_L} l WHERE l.session_id = s.session_id)"
        ),
    ),
    (
        "a session that is over has none",
        (
            f"SELECT s.session_id, s.status FROM {_S} s JOIN {_L} l ON l.session_id = s.session_id "
            f"WHERE s.status NOT IN ({_LIVE})"
        ),
    ),
    (
        "a lease is a session's",
        (
            f"SELECT session_id, room_name FROM {_L} l "
            f"WHERE NOT EXISTS (SELECT 1 FROM {_S} s WHERE s.session_id = l.session_id)"
        ),
    ),
    (
        "a session that is over has an end and a duration",
        (
            f"SELECT session_id, status FROM {_S} WHERE status NOT IN ({_LIVE}) "
            "AND (ended_at IS NULL OR duration_seconds IS NULL)"
        ),
    ),
    (
        "no session ends before it begins",
        (
            f"SELECT session_id, duration_seconds FROM {_S} "
            "WHERE duration_seconds < 0 OR ended_at < started_at"
        ),
    ),
    (
        "a session that lives has no end",
        f"SELECT session_id, ended_at FROM {_S} WHERE status IN ({_LIVE}) AND ended_at IS NOT NULL",
    ),
    (
        "an agent that starts or talks has a job, one that is waited for has none",
        f"SELECT session_id, phase FROM {_L} WHERE (phase IN ({_HELD})) <> (holder IS NOT NULL)",
    ),
    (
        "an active session has its room",
        (
            f"SELECT s.session_id, s.room_name FROM {_S} s JOIN {_L} l ON l.session_id = s.session_id "
            f"WHERE s.status = '{SessionStatus.ACTIVE}' AND l.claimed_room IS NULL"
        ),
    ),
    (
        "an agent holds no more sessions than it may",
        # Of those that began since it was registered like this: its maximum may have been lowered.
        (
            f"SELECT 'agent ' || r.agent_id, COUNT(*) || ' of ' || r.max_sessions "
            f"FROM runtime_registrations r JOIN {_L} l ON l.agent_id = r.agent_id "
            f"JOIN {_S} s ON s.session_id = l.session_id AND s.started_at >= r.updated_at "
            "GROUP BY r.agent_id, r.max_sessions HAVING COUNT(*) > r.max_sessions"
        ),
    ),
    (
        "a session ends once",
        (
            f"SELECT session_id, COUNT(*) FROM {_E} WHERE kind IN ({_ENDS}) "
            "GROUP BY session_id HAVING COUNT(*) > 1"
        ),
    ),
    (
        "what happened to a session ends as the session did",
        (
            f"SELECT s.session_id, s.status FROM {_S} s WHERE EXISTS "
            f"(SELECT 1 FROM {_E} e WHERE e.session_id = s.session_id AND e.kind = "
            f"'{EventKind.CREATED}') AND (s.status IN ({_ENDS})) <> EXISTS "
            f"(SELECT 1 FROM {_E} e WHERE e.session_id = s.session_id AND e.kind = s.status)"
        ),
    ),
    (
        "nothing that was said outlives its session",
        (
            "SELECT DISTINCT session_id, 'kept' FROM runtime_utterances u "
            f"WHERE NOT EXISTS (SELECT 1 FROM {_L} l WHERE l.session_id = u.session_id)"
        ),
    ),
)
_ERRORS: Final = (
    f"SELECT s.session_id, s.metadata FROM {_S} s WHERE s.status = '{SessionStatus.ERROR}' "
    f"AND EXISTS (SELECT 1 FROM {_E} e WHERE e.session_id = s.session_id)"
)
_LEASES: Final = f"SELECT session_id, heartbeat_at, phase FROM {_L}"


@dataclass(frozen=True, slots=True)
class Broken:
    """A law that does not hold, of which row, and what the row says."""

    law: str
    whose: str
    found: str

    def __str__(self) -> str:
        return f"{self.whose}: {self.law}; found {self.found}"


class Doctor:
    """Looks at the rows, changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        raw = database.dialect.raw
        self._laws: list[tuple[str, Statement]] = [(law, raw(sql)) for law, sql in LAWS]
        self._errors = raw(_ERRORS)
        self._leases = raw(_LEASES)

    async def examine(self, now: datetime | None = None) -> list[Broken]:
        """Every law that is broken. Raises StoreUnavailable."""
        now = now or datetime.now(UTC)
        found = [
            Broken(law, str(whose), str(told))
            for law, statement in self._laws
            for whose, told in await self._database.scan(statement.bind())
        ]
        for session_id, metadata in await self._database.scan(self._errors.bind()):
            if not _reason(metadata):
                found.append(Broken("an error has its reason", session_id, "none"))
        for session_id, beaten, phase in await self._database.scan(self._leases.bind()):
            silent = now - aware(beaten)
            if silent > SILENT:
                told = f"{phase}, silent for {silent.total_seconds():.0f} s: does no API run?"
                found.append(Broken("a session that lives is watched", session_id, told))
        return found


def _reason(metadata: Any) -> str | None:
    told = json.loads(metadata) if isinstance(metadata, str) else metadata
    return told.get("reason") if isinstance(told, dict) else None
