"""What worker and call need from outside their process: the database, and dispatch notifications."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final, Protocol

from agent_runtime.agents.sources import AgentSources
from agent_runtime.domain.ports.access import KeyStore
from agent_runtime.domain.ports.agents import AgentRegistry, TextIdRegistry
from agent_runtime.domain.ports.metrics import MetricsStore
from agent_runtime.domain.ports.sessions import LeaseStore, SessionStore, TranscriptStore
from agent_runtime.domain.ports.workers import DispatchListener, WorkerStore

# Database connections of one call, at most. Each call is a process, and PostgreSQL accepts a hundred
# connections by default.
CALL_CONNECTIONS: Final = 2


@dataclass(frozen=True, slots=True)
class Stores:
    """The ports of one process. `dispatch_listener` is None where the database cannot notify.

    Without `text_ids` no agent is known by a text.
    `sources` has agents that are neither registered nor in a row.
    Only the worker itself uses `keys`, for its port.
    """

    agents: AgentRegistry
    sessions: SessionStore
    metrics: MetricsStore
    leases: LeaseStore
    transcripts: TranscriptStore
    workers: WorkerStore
    dispatch_listener: DispatchListener | None = None
    text_ids: TextIdRegistry | None = None
    sources: AgentSources = field(default_factory=AgentSources)
    keys: KeyStore | None = None


class OpenStores(Protocol):
    """Opens the stores in the process that calls it.

    Job processes receive it by pickle, so it must be a function of a module.
    """

    def __call__(self, connections: int | None = None) -> AbstractAsyncContextManager[Stores]:
        """Open at most `connections` connections, and never more than the settings allow."""
