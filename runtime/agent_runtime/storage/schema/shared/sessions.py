"""The workers and their sessions: what the API answers from and the dashboard reads."""

from __future__ import annotations

from peewee import AutoField, CharField, DateTimeField, ForeignKeyField, IntegerField, Model

from agent_runtime.storage.schema.fields import JsonText, default, now, zero


class RuntimeInstances(Model):
    """Running workers."""

    id = AutoField()
    pod_name = CharField(unique=True)
    namespace = CharField(128, null=True, **default("'livekit'"))
    status = CharField(50)
    started_at = DateTimeField()
    last_heartbeat = DateTimeField()
    cpu_usage = IntegerField(null=True)
    memory_usage = IntegerField(null=True)
    active_agent_count = zero()
    total_sessions_handled = zero()
    metadata = JsonText(null=True)
    created_at = DateTimeField(**now())
    updated_at = DateTimeField(**now())

    class Meta:
        table_name = "agent_runtime_instances"


class Sessions(Model):
    """Sessions: the API answers from these rows and the dashboard reads them."""

    agent_id = IntegerField()
    tenant_id = IntegerField()
    session_id = CharField(unique=True)
    room_name = CharField()
    runtime_instance = ForeignKeyField(
        RuntimeInstances, on_delete="SET NULL", null=True, index=False
    )
    status = CharField(50)
    started_at = DateTimeField()
    ended_at = DateTimeField(null=True)
    duration_seconds = IntegerField(null=True)
    participant_count = zero()
    metadata = JsonText(null=True)
    created_at = DateTimeField(**now())
    updated_at = DateTimeField(**now())

    class Meta:
        table_name = "agent_instance_sessions"
