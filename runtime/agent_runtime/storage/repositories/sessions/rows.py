"""A row of the shared table of sessions: how it is read, and what ending changes in it."""

from __future__ import annotations

import json
from typing import Any, Final

import peewee

from agent_runtime.domain.session import PARTICIPANT_IDENTITY, Session, SessionStatus
from agent_runtime.secrecy.keyring import Keyring
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.shared.sessions import Sessions
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import Database, can_be_stored
from agent_runtime.storage.sql.dialects import elapsed_seconds, later, merged_json
from agent_runtime.storage.sql.statements import bind, single
from agent_runtime.storage.sql.times import aware

# Key of the metadata that holds the version of the agent.
AGENT_VERSION: Final = "agentVersion"
COLUMNS: Final = (
    Sessions.session_id,
    Sessions.agent_id,
    Sessions.tenant_id,
    Sessions.room_name,
    Sessions.status,
    Sessions.started_at,
    Sessions.ended_at,
    Sessions.duration_seconds,
    Sessions.participant_count,
    Sessions.metadata,
    Sessions.runtime_instance,
)

# Conditions and parameters that the statements on sessions share.
THIS: Final = Sessions.session_id == bind("session_id")
NOW: Final = bind("now", "timestamp")


def end_of_session() -> dict[peewee.Field[Any], Any]:
    """The columns that ending changes; binds `status`, `now` and `metadata`."""
    # The clock of another machine, or one that was set back, must not end a session before its start.
    end = later(NOW, Sessions.started_at)
    return {
        Sessions.status: bind("status"),
        Sessions.ended_at: end,
        Sessions.duration_seconds: elapsed_seconds(Sessions.started_at, end),
        Sessions.participant_count: 0,
        Sessions.metadata: merged_json(Sessions.metadata, bind("metadata")),
        Sessions.updated_at: NOW,
    }


class SessionReader(Store):
    """The part of the port SessionStore that reads one session."""

    def __init__(
        self, database: Database, namespace: str | None = None, keyring: Keyring | None = None
    ) -> None:
        """New sessions belong to `namespace`; None leaves them to every deployment of the database.

        The first key of `keyring` encrypts secrets among their variables.
        """
        super().__init__(database)
        self._namespace = namespace
        self._keyring = keyring or Keyring()

    _get = CompiledOnce(lambda: Sessions.select(*COLUMNS).where(THIS))

    async def get(self, session_id: str) -> Session | None:
        """The session, or None."""
        if not can_be_stored(session_id):
            return None
        row = single(await self._database.read(self._get.bind(session_id=session_id)))
        return None if row is None else session_from(row)


def session_from(row: tuple[Any, ...]) -> Session:
    """The session of a row with the columns COLUMNS."""
    (
        session_id,
        agent_id,
        tenant_id,
        room_name,
        status,
        started_at,
        ended_at,
        duration,
        count,
        metadata,
        runtime_instance,
    ) = row
    details = json.loads(metadata) if isinstance(metadata, str) else metadata
    if not isinstance(details, dict):
        details = {}  # null, or a list that another program wrote
    return Session(
        session_id=session_id,
        agent_id=agent_id,
        tenant_id=tenant_id,
        room_name=room_name,
        status=SessionStatus(status),
        started_at=aware(started_at),
        ended_at=None if ended_at is None else aware(ended_at),
        duration_seconds=duration,
        participant_count=count or 0,
        reason=details.get("reason"),
        participant_name=details.get("participantName"),
        participant_identity=details.get(PARTICIPANT_IDENTITY),
        agent_version=details.get(AGENT_VERSION),
        had_agent=runtime_instance is not None,
    )
