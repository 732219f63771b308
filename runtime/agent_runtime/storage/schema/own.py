"""Our own tables: what the runtime needs beyond the thirteen. Made by `migrations.py`."""

from __future__ import annotations

from typing import Final

import peewee
from peewee import SQL, AutoField, CharField, DateTimeField, IntegerField, Model, TextField

from agent_runtime.storage.sql.statements import bind


class SchemaVersion(Model):
    """Which migrations have run."""

    version = IntegerField(primary_key=True)
    applied_at = DateTimeField()

    class Meta:
        table_name = "runtime_schema_version"


class Registrations(Model):
    """The registered agents; `id` is the order of their first registration."""

    id = AutoField()
    agent_id = IntegerField(unique=True)
    tenant_id = IntegerField()
    config = TextField()
    max_sessions = IntegerField()
    created_at = DateTimeField()
    updated_at = DateTimeField()

    class Meta:
        table_name = "runtime_registrations"


class LiveSessions(Model):
    """One row for each session that is connecting or active, and none for any other.

    The number of an agent's rows is what counts against its capacity: counting them costs nothing,
    however many sessions are on record. `claimed_room` is the room's name once the agent is in it;
    it is unique, so a room has one agent at a time. The other columns are the lease:
    `domain.lease.LiveSession` tells what they mean. `numbered` is the last dispatch whose jobs say
    which one they come from; the first, and those of earlier versions of the runtime, do not.
    """

    session_id = CharField(primary_key=True)
    agent_id = IntegerField(index=True)
    room_name = CharField()
    claimed_room = CharField(null=True, unique=True)
    heartbeat_at = DateTimeField()
    phase = CharField(max_length=16, constraints=[SQL("DEFAULT 'asked'")])
    holder = CharField(null=True)
    worker = CharField(null=True)
    lost_by = CharField(null=True)
    beats = IntegerField(constraints=[SQL("DEFAULT 0")])
    dispatches = IntegerField(constraints=[SQL("DEFAULT 1")])
    numbered = IntegerField(constraints=[SQL("DEFAULT 0")])
    variables = TextField(null=True)

    class Meta:
        table_name = "runtime_live_sessions"

    @classmethod
    def latest(cls) -> peewee.Node:
        """Whether nobody was asked for since `dispatch`, or since a job that does not know (0)."""
        given = bind("dispatch", "integer")
        unknown = peewee.Expression(given, "=", 0)
        return (cls.dispatches == given) | (unknown & (cls.numbered != cls.dispatches))


class SessionEvents(Model):
    """What happened to each session, in order; only ever appended to, and cleared after a time."""

    id = AutoField()
    session_id = CharField()
    at = DateTimeField(index=True)
    kind = CharField(max_length=50)
    detail = TextField()

    class Meta:
        table_name = "runtime_session_events"
        indexes = ((("session_id", "id"), False),)


class Utterances(Model):
    """What was said in the live sessions, for the agent that takes one over; gone with its end."""

    id = AutoField()
    session_id = CharField()
    role = CharField(max_length=16)
    text = TextField()

    class Meta:
        table_name = "runtime_utterances"
        indexes = ((("session_id", "id"), False),)


OWN_TABLES: Final[tuple[type[Model], ...]] = (
    SchemaVersion,
    Registrations,
    LiveSessions,
    SessionEvents,
    Utterances,
)
