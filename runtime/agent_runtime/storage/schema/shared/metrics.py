"""Metrics of sessions, agents and tenants."""

from __future__ import annotations

from peewee import (
    AutoField,
    CharField,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
)

from agent_runtime.storage.schema.fields import JsonText, now, zero
from agent_runtime.storage.schema.shared.sessions import Sessions


class SessionMetrics(Model):
    """Metrics of a session; latencies in milliseconds, costs in micro-cents."""

    id = AutoField()
    session = ForeignKeyField(Sessions, field=Sessions.session_id, index=False)
    agent_id = IntegerField()
    tenant_id = IntegerField()
    date = DateField()
    message_count = zero()
    user_message_count = zero()
    agent_message_count = zero()
    avg_stt_latency = zero()
    avg_tts_latency = zero()
    avg_llm_latency = zero()
    total_tokens = zero()
    input_tokens = zero()
    output_tokens = zero()
    total_cost = zero()
    langfuse_cost = zero()
    error_count = zero()
    metadata = JsonText(null=True)
    created_at = DateTimeField(**now())
    updated_at = DateTimeField(**now())

    class Meta:
        table_name = "session_metrics"


class AgentMetrics(Model):
    """Single measurements of an agent."""

    agent_id = IntegerField()
    tenant_id = IntegerField()
    session_id = CharField(null=True)
    metric_type = CharField(50)
    metric_value = IntegerField(null=True)
    metric_label = CharField(null=True)
    timestamp = DateTimeField(**now())
    metadata = JsonText(null=True)
    created_at = DateTimeField(**now())

    class Meta:
        table_name = "agent_metrics"


class TenantMetrics(Model):
    """Metrics of a tenant for one day."""

    tenant_id = IntegerField()
    date = DateField()
    active_agents = zero()
    total_sessions = zero()
    total_duration_seconds = zero()
    total_cost = zero()
    avg_latency = zero()
    error_count = zero()
    metadata = JsonText(null=True)
    created_at = DateTimeField(**now())
    updated_at = DateTimeField(**now())

    class Meta:
        table_name = "tenant_metrics"
