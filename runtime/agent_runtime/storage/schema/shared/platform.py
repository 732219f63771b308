"""The platform's people, customers, agents and settings."""

from __future__ import annotations

from peewee import (
    AutoField,
    CharField,
    DateTimeField,
    FloatField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from agent_runtime.storage.schema.fields import Enum, default, now


class Users(Model):
    """People who may use the platform."""

    open_id = CharField(64, unique=True)
    name = TextField(null=True)
    email = CharField(320, null=True)
    login_method = CharField(64, null=True)
    role = Enum("role", ("user", "admin"), **default("'user'"))
    last_signed_in = DateTimeField(**now())
    created_at = DateTimeField(**now())
    updated_at = DateTimeField(**now())

    class Meta:
        table_name = "users"


class Tenants(Model):
    """Customers of the platform."""

    id = AutoField()
    user = ForeignKeyField(Users, on_delete="CASCADE", index=False)
    name = CharField()
    slug = CharField(128, unique=True)
    status = Enum("tenant_status", ("active", "suspended", "inactive"), **default("'active'"))
    resource_quota = TextField(null=True)
    created_at = DateTimeField(**now())
    updated_at = DateTimeField(**now())

    class Meta:
        table_name = "tenants"


class Agents(Model):
    """Agents as the builder stores them."""

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
    vision_enabled = IntegerField(**default("0"))
    screen_share_enabled = IntegerField(**default("0"))
    transcribe_enabled = IntegerField(**default("0"))
    languages = TextField(null=True)
    avatar_model = CharField(null=True)
    system_prompt = TextField(null=True)
    initial_greeting = TextField(null=True)
    temperature = FloatField(null=True, **default("0.6"))
    mcp_gateway_url = CharField(512, null=True)
    mcp_config = TextField(null=True)
    deployment_mode = Enum("deployment_mode", ("dedicated", "shared"), **default("'shared'"))
    deployment_status = Enum(
        "deployment_status",
        ("draft", "deploying", "deployed", "failed", "stopped"),
        **default("'draft'"),
    )
    deployment_namespace = CharField(128, null=True, **default("'agents'"))
    max_concurrent_sessions = IntegerField(null=True, **default("10"))
    resource_limits = TextField(null=True)
    kubernetes_manifest = TextField(null=True)
    widget_config = TextField(null=True)
    widget_snippet = TextField(null=True)
    created_at = DateTimeField(**now())
    updated_at = DateTimeField(**now())

    class Meta:
        table_name = "agents"


class PlatformSettings(Model):
    """Settings of the platform."""

    key = CharField(unique=True)
    value = TextField(null=True)
    description = TextField(null=True)
    updated_at = DateTimeField(**now())

    class Meta:
        table_name = "settings"
