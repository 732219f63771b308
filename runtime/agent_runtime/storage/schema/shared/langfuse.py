"""Traces and metrics that go to Langfuse."""

from __future__ import annotations

from peewee import CharField, DateField, DateTimeField, ForeignKeyField, IntegerField, Model

from agent_runtime.storage.schema.fields import JsonText, now, zero


class LangfuseTraces(Model):
    """Traces that were sent to Langfuse."""

    trace_id = CharField(unique=True)
    agent_id = IntegerField()
    tenant_id = IntegerField()
    session_id = CharField(null=True)
    name = CharField(null=True)
    user_id = CharField(null=True)
    input = JsonText(null=True)
    output = JsonText(null=True)
    metadata = JsonText(null=True)
    tags = JsonText(null=True)
    timestamp = DateTimeField()
    created_at = DateTimeField(**now())

    class Meta:
        table_name = "langfuse_traces"


class LangfuseMetrics(Model):
    """Metrics from Langfuse for one day."""

    agent_id = IntegerField()
    tenant_id = IntegerField()
    trace = ForeignKeyField(LangfuseTraces, field=LangfuseTraces.trace_id, null=True, index=False)
    session_id = CharField(null=True)
    date = DateField()
    total_tokens = zero()
    input_tokens = zero()
    output_tokens = zero()
    total_cost = zero()
    avg_latency = zero()
    trace_count = zero()
    model_name = CharField(null=True)
    metadata = JsonText(null=True)
    created_at = DateTimeField(**now())
    updated_at = DateTimeField(**now())

    class Meta:
        table_name = "langfuse_metrics"
