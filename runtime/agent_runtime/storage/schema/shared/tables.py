"""All tables of the shared schema; each follows the tables that it refers to."""

from __future__ import annotations

from typing import Final

from peewee import Model

from agent_runtime.storage.schema.shared.langfuse import LangfuseMetrics, LangfuseTraces
from agent_runtime.storage.schema.shared.metrics import AgentMetrics, SessionMetrics, TenantMetrics
from agent_runtime.storage.schema.shared.platform import Agents, PlatformSettings, Tenants, Users
from agent_runtime.storage.schema.shared.rooms import Participants, Rooms
from agent_runtime.storage.schema.shared.sessions import RuntimeInstances, Sessions

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
