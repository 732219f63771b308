"""The thirteen tables of the shared schema. On PostgreSQL another team's tool makes and changes them."""

from __future__ import annotations

from typing import Any, Final

from peewee import (
    SQL,
    AutoField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    FloatField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from agent_runtime.storage.schema.fields import Enum, JsonText


def _default(value: str) -> dict[str, Any]:
    return {"constraints": [SQL(f"DEFAULT {value}")]}


def _now() -> dict[str, Any]:
    return _default("CURRENT_TIMESTAMP")


def _zero() -> IntegerField:
    return IntegerField(null=True, **_default("0"))


class Users(Model):
    """People who may use the platform."""

    open_id = CharField(64, unique=True)
    name = TextField(null=True)
    email = CharField(320, null=True)
    login_method = CharField(64, null=True)
    role = Enum("role", ("user", "admin"), **_default("'user'"))
    last_signed_in = DateTimeField(**_now())
    created_at = DateTimeField(**_now())
    updated_at = DateTimeField(**_now())

    class Meta:
        table_name = "users"


class Tenants(Model):
    """Customers of the platform."""

    user = ForeignKeyField(Users, on_delete="CASCADE", index=False)
    name = CharField()
    slug = CharField(128, unique=True)
    status = Enum("tenant_status", ("active", "suspended", "inactive"), **_default("'active'"))
    resource_quota = TextField(null=True)
    created_at = DateTimeField(**_now())
    updated_at = DateTimeField(**_now())

    class Meta:
        table_name = "tenants"


class Agents(Model):
    """Agents as the builder keeps them."""

    id = AutoField()
    user = ForeignKeyField(Users, on_delete="CASCADE", index=False)
    tenant = ForeignKeyField(Tenants, on_delete="CASCADE", index=False)
    name = CharField()
    description = TextField(null=True)
    stt_provider = CharField(64)
    stt_config = TextField(null=True)
    tts_provider = CharField(64)
    tts_config = TextField(null=True)
    voice_id = CharField(null=True)
    llm_provider = CharField(64)
    llm_model = CharField(128, null=True)
    llm_config = TextField(null=True)
    vision_enabled = IntegerField(**_default("0"))
    screen_share_enabled = IntegerField(**_default("0"))
    transcribe_enabled = IntegerField(**_default("0"))
    languages = TextField(null=True)
    avatar_model = CharField(null=True)
    system_prompt = TextField(null=True)
    initial_greeting = TextField(null=True)
    temperature = FloatField(null=True, **_default("0.6"))
    mcp_gateway_url = CharField(512, null=True)
    mcp_config = TextField(null=True)
    deployment_mode = Enum("deployment_mode", ("dedicated", "shared"), **_default("'shared'"))
    deployment_status = Enum(
        "deployment_status",
        ("draft", "deploying", "deployed", "failed", "stopped"),
        **_default("'draft'"),
    )
    deployment_namespace = CharField(128, null=True, **_default("'agents'"))
    max_concurrent_sessions = IntegerField(null=True, **_default("10"))
    resource_limits = TextField(null=True)
    kubernetes_manifest = TextField(null=True)
    widget_config = TextField(null=True)
    widget_snippet = TextField(null=True)
    created_at = DateTimeField(**_now())
    updated_at = DateTimeField(**_now())

    class Meta:
        table_name = "agents"


class PlatformSettings(Model):
    """Settings of the platform."""

    key = CharField(unique=True)
    value = TextField(null=True)
    description = TextField(null=True)
    updated_at = DateTimeField(**_now())

    class Meta:
        table_name = "settings"


class Rooms(Model):
    """LiveKit rooms."""

    room_sid = CharField(unique=True)
    room_name = CharField()
    started_at = DateTimeField()
    ended_at = DateTimeField(null=True)
    participant_count = _zero()
    status = Enum("room_status", ("active", "ended"), **_default("'active'"))
    metadata = JsonText(null=True)
    created_at = DateTimeField(**_now())
    updated_at = DateTimeField(**_now())

    class Meta:
        table_name = "rooms"


class Participants(Model):
    """Who was in a room."""

    participant_sid = CharField(unique=True)
    room = ForeignKeyField(Rooms, on_delete="CASCADE", index=False)
    identity = CharField()
    name = CharField(null=True)
    joined_at = DateTimeField()
    left_at = DateTimeField(null=True)
    duration_seconds = IntegerField(null=True)
    state = CharField(50)
    metadata = JsonText(null=True)
    is_agent = BooleanField(null=True, **_default("false"))
    created_at = DateTimeField(**_now())
    updated_at = DateTimeField(**_now())

    class Meta:
        table_name = "participants"


class RuntimeInstances(Model):
    """Running workers."""

    id = AutoField()
    pod_name = CharField(unique=True)
    namespace = CharField(128, null=True, **_default("'livekit'"))
    status = CharField(50)
    started_at = DateTimeField()
    last_heartbeat = DateTimeField()
    cpu_usage = IntegerField(null=True)
    memory_usage = IntegerField(null=True)
    active_agent_count = _zero()
    total_sessions_handled = _zero()
    metadata = JsonText(null=True)
    created_at = DateTimeField(**_now())
    updated_at = DateTimeField(**_now())

    class Meta:
        table_name = "agent_runtime_instances"


class Sessions(Model):
    """Sessions: what the API answers from and the dashboard reads."""

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
    participant_count = _zero()
    metadata = JsonText(null=True)
    created_at = DateTimeField(**_now())
    updated_at = DateTimeField(**_now())

    class Meta:
        table_name = "agent_instance_sessions"


class SessionMetrics(Model):
    """Figures of a session; latencies in milliseconds, costs in micro-cents."""

    id = AutoField()
    session = ForeignKeyField(Sessions, field=Sessions.session_id, index=False)
    agent_id = IntegerField()
    tenant_id = IntegerField()
    date = DateField()
    message_count = _zero()
    user_message_count = _zero()
    agent_message_count = _zero()
    avg_stt_latency = _zero()
    avg_tts_latency = _zero()
    avg_llm_latency = _zero()
    total_tokens = _zero()
    input_tokens = _zero()
    output_tokens = _zero()
    total_cost = _zero()
    langfuse_cost = _zero()
    error_count = _zero()
    metadata = JsonText(null=True)
    created_at = DateTimeField(**_now())
    updated_at = DateTimeField(**_now())

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
    timestamp = DateTimeField(**_now())
    metadata = JsonText(null=True)
    created_at = DateTimeField(**_now())

    class Meta:
        table_name = "agent_metrics"


class TenantMetrics(Model):
    """Figures of a tenant on a day."""

    tenant_id = IntegerField()
    date = DateField()
    active_agents = _zero()
    total_sessions = _zero()
    total_duration_seconds = _zero()
    total_cost = _zero()
    avg_latency = _zero()
    error_count = _zero()
    metadata = JsonText(null=True)
    created_at = DateTimeField(**_now())
    updated_at = DateTimeField(**_now())

    class Meta:
        table_name = "tenant_metrics"


class LangfuseTraces(Model):
    """Traces that went to Langfuse."""

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
    created_at = DateTimeField(**_now())

    class Meta:
        table_name = "langfuse_traces"


class LangfuseMetrics(Model):
    """Figures from Langfuse on a day."""

    agent_id = IntegerField()
    tenant_id = IntegerField()
    trace = ForeignKeyField(LangfuseTraces, field=LangfuseTraces.trace_id, null=True, index=False)
    session_id = CharField(null=True)
    date = DateField()
    total_tokens = _zero()
    input_tokens = _zero()
    output_tokens = _zero()
    total_cost = _zero()
    avg_latency = _zero()
    trace_count = _zero()
    model_name = CharField(null=True)
    metadata = JsonText(null=True)
    created_at = DateTimeField(**_now())
    updated_at = DateTimeField(**_now())

    class Meta:
        table_name = "langfuse_metrics"


SHARED_TABLES: Final[tuple[type[Model], ...]] = (
    Users,
    Tenants,
    Agents,
    PlatformSettings,
    Rooms,
    Participants,
    RuntimeInstances,
    Sessions,
    SessionMetrics,
    AgentMetrics,
    TenantMetrics,
    LangfuseTraces,
    LangfuseMetrics,
)
