"""Our own tables: what the runtime needs beyond the thirteen. Made by `migrations.py`."""

from __future__ import annotations

from typing import Final

from peewee import AutoField, CharField, DateTimeField, IntegerField, Model, TextField


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
    it is unique, so a room has one agent at a time.
    """

    session_id = CharField(primary_key=True)
    agent_id = IntegerField(index=True)
    room_name = CharField()
    claimed_room = CharField(null=True, unique=True)
    heartbeat_at = DateTimeField()

    class Meta:
        table_name = "runtime_live_sessions"


OWN_TABLES: Final[tuple[type[Model], ...]] = (SchemaVersion, Registrations, LiveSessions)
