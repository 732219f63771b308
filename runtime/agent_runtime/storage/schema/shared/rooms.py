"""LiveKit rooms and their participants."""

from __future__ import annotations

from peewee import BooleanField, CharField, DateTimeField, ForeignKeyField, IntegerField, Model

from agent_runtime.storage.schema.fields import Enum, JsonText, default, now, zero


class Rooms(Model):
    """LiveKit rooms."""

    room_sid = CharField(unique=True)
    room_name = CharField()
    started_at = DateTimeField()
    ended_at = DateTimeField(null=True)
    participant_count = zero()
    status = Enum("room_status", ("active", "ended"), **default("'active'"))
    metadata = JsonText(null=True)
    created_at = DateTimeField(**now())
    updated_at = DateTimeField(**now())

    class Meta:
        table_name = "rooms"


class Participants(Model):
    """Participants of a room."""

    participant_sid = CharField(unique=True)
    room = ForeignKeyField(Rooms, on_delete="CASCADE", index=False)
    identity = CharField()
    name = CharField(null=True)
    joined_at = DateTimeField()
    left_at = DateTimeField(null=True)
    duration_seconds = IntegerField(null=True)
    state = CharField(50)
    metadata = JsonText(null=True)
    is_agent = BooleanField(null=True, **default("false"))
    created_at = DateTimeField(**now())
    updated_at = DateTimeField(**now())

    class Meta:
        table_name = "participants"
