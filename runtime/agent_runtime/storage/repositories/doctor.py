"""The invariants of the stored rows, and a search for rows that break one: `agent-runtime doctor`."""

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

# A lease without a heartbeat for this time is not supervised: longer than any lease lasts, plus the
# difference between the clocks of two machines.
SILENT: Final = timedelta(seconds=60)

# The laws that are checked in Python: SQL has no portable form for them.
ERROR_HAS_REASON: Final = "a session that ended as an error has its reason"
SUPERVISED: Final = "a live session is supervised"

_STATUSES: Final = ", ".join(f"'{status}'" for status in SessionStatus)
_LIVE: Final = ", ".join(f"'{status}'" for status in sorted(LIVE))
_HELD: Final = f"'{Phase.STARTING}', '{Phase.TALKING}'"
_ENDS: Final = f"'{EventKind.ENDED}', '{EventKind.ERROR}'"
_S: Final = "agent_instance_sessions"
_L: Final = "runtime_live_sessions"
_E: Final = "runtime_session_events"

# Each law with a query for the rows that break it: the row's key, and the value that is wrong.
LAWS: Final[Sequence[tuple[str, str]]] = (
    (
        f"a session's status is one of {', '.join(SessionStatus)}",
        f"SELECT session_id, status FROM {_S} WHERE status NOT IN ({_STATUSES})",
    ),
    (
        "a live session has a lease",
        (
            f"SELECT session_id, status FROM {_S} s WHERE status IN ({_LIVE}) "
            f"AND NOT EXISTS (SELECT 1 FROM {_L} l WHERE l.session_id = s.session_id)"
        ),
    ),
    (
        "a session that is over has no lease",
        (
            f"SELECT s.session_id, s.status FROM {_S} s JOIN {_L} l ON l.session_id = s.session_id "
            f"WHERE s.status NOT IN ({_LIVE})"
        ),
    ),
    (
        "a lease belongs to a session",
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
        "a live session has no end",
        f"SELECT session_id, ended_at FROM {_S} WHERE status IN ({_LIVE}) AND ended_at IS NOT NULL",
    ),
    (
        "a starting or talking session has a job, and no other session has one",
        f"SELECT session_id, phase FROM {_L} WHERE (phase IN ({_HELD})) <> (holder IS NOT NULL)",
    ),
    (
        "an active session holds its room",
        (
            f"SELECT s.session_id, s.room_name FROM {_S} s JOIN {_L} l ON l.session_id = s.session_id "
            f"WHERE s.status = '{SessionStatus.ACTIVE}' AND l.claimed_room IS NULL"
        ),
    ),
    (
        "an agent holds at most its maximum of sessions",
        # Only sessions since the last registration count: it may have lowered the maximum.
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
        "the events of a session end as its status says",
        (
            f"SELECT s.session_id, s.status FROM {_S} s WHERE EXISTS "
            f"(SELECT 1 FROM {_E} e WHERE e.session_id = s.session_id AND e.kind = "
            f"'{EventKind.CREATED}') AND (s.status IN ({_ENDS})) <> EXISTS "
            f"(SELECT 1 FROM {_E} e WHERE e.session_id = s.session_id AND e.kind = s.status)"
        ),
    ),
    (
        "a session has one row of metrics",  # `agent-runtime doctor --repair` merges those of old versions
        (
            "SELECT session_id, COUNT(*) || ' rows' FROM session_metrics "
            "GROUP BY session_id HAVING COUNT(*) > 1"
        ),
    ),
    (
        "no transcript outlives its session",
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
class Violation:
    """A row that breaks a law: the law, the row's key, and the value that was found."""

    law: str
    key: str
    found: str

    def __str__(self) -> str:
        return f"{self.key}: {self.law}; found {self.found}"


class Doctor:
    """Reads the rows and changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        raw = database.dialect.raw
        self._laws: list[tuple[str, Statement]] = [(law, raw(sql)) for law, sql in LAWS]
        self._errors = raw(_ERRORS)
        self._leases = raw(_LEASES)

    async def examine(self, now: datetime | None = None) -> list[Violation]:
        """Return every violation of a law. Raises StoreUnavailable."""
        now = now or datetime.now(UTC)
        found = [
            Violation(law, str(key), str(value))
            for law, statement in self._laws
            for key, value in await self._database.scan(statement.bind())
        ]
        for session_id, metadata in await self._database.scan(self._errors.bind()):
            if not _reason(metadata):
                found.append(Violation(ERROR_HAS_REASON, session_id, "none"))
        for session_id, heartbeat, phase in await self._database.scan(self._leases.bind()):
            silent = now - aware(heartbeat)
            if silent > SILENT:
                value = f"{phase}, no change for {silent.total_seconds():.0f} s: is no API running?"
                found.append(Violation(SUPERVISED, session_id, value))
        return found


def _reason(metadata: Any) -> str | None:
    details = json.loads(metadata) if isinstance(metadata, str) else metadata
    return details.get("reason") if isinstance(details, dict) else None
