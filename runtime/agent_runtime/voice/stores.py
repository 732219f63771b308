"""What a call needs from outside its process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeAlias

from agent_runtime.domain.ports import (
    AgentRegistry,
    ConversationStore,
    Ear,
    InstanceStore,
    LeaseStore,
    MetricsStore,
    SessionStore,
)


@dataclass(frozen=True, slots=True)
class Stores:
    """The database, from one process."""

    agents: AgentRegistry
    sessions: SessionStore
    metrics: MetricsStore
    leases: LeaseStore
    conversations: ConversationStore
    instances: InstanceStore
    ear: Ear | None = None


# Called in each process that needs the database; sent to job processes, so a function of a module.
OpenStores: TypeAlias = Callable[[], AbstractAsyncContextManager[Stores]]
