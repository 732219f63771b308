"""Statements that keep the versions of an agent: a changed content is a new one, and the oldest go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import peewee
from peewee import fn

from agent_runtime.storage.repositories.sessions.rows import NOW
from agent_runtime.storage.schema.runtime import AgentVersions, Registrations
from agent_runtime.storage.sql.statements import bind

# Versions of each agent that are kept, when nothing else is set.
KEPT: Final = 50

_AGENT_ID: Final = bind("agent_id", "integer")


def digest(tenant_id: int, config: Mapping[str, Any]) -> str:
    """What two registrations have in common whose tenant and content are the same.

    It is taken of the content in clear, so it is the same under every key that encrypts it.
    """
    content = json.dumps([tenant_id, config], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def latest() -> peewee.Node:
    """The number of the agent's latest version; 0 when it has none."""
    own = AgentVersions.alias("own")
    return own.select(fn.COALESCE(fn.MAX(own.version), 0)).where(own.agent_id == _AGENT_ID)


def add_if_changed() -> peewee.Node:
    """INSERT of the next version, unless the latest one has the same tenant and content.

    Nor when the agent is registered for another tenant: its registration is refused then.
    """
    values = {
        AgentVersions.agent_id: _AGENT_ID,
        AgentVersions.version: peewee.Expression(latest(), "+", 1),
        AgentVersions.tenant_id: bind("tenant_id", "integer"),
        AgentVersions.config: bind("config"),
        AgentVersions.max_sessions: bind("max_sessions", "integer"),
        AgentVersions.digest: bind("digest"),
        AgentVersions.origin: bind("origin"),
        AgentVersions.created_at: NOW,
    }
    last = AgentVersions.alias("last")
    # A version from before digests were taken is compared as text.
    is_same = (last.digest == bind("digest")) | (
        (last.digest == "")
        & (last.tenant_id == bind("tenant_id", "integer"))
        & (last.config == bind("config"))
    )
    same = last.select(last.id).where(last.agent_id == _AGENT_ID, last.version == latest(), is_same)
    foreign = Registrations.select(Registrations.id).where(
        Registrations.agent_id == _AGENT_ID,
        Registrations.tenant_id != bind("tenant_id", "integer"),
    )
    source = peewee.Select(columns=tuple(values.values())).where(
        ~fn.EXISTS(same), ~fn.EXISTS(foreign)
    )
    return AgentVersions.insert_from(source, list(values))


def forget_oldest() -> peewee.Node:
    """DELETE of the versions beyond the `kept` latest ones."""
    oldest = peewee.Expression(latest(), "-", bind("kept", "integer"))
    return AgentVersions.delete().where(
        AgentVersions.agent_id == _AGENT_ID, AgentVersions.version <= oldest
    )
