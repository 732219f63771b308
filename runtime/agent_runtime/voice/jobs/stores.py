"""What a call needs from outside its process."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from agent_runtime.domain.ports.agents import AgentRegistry
from agent_runtime.domain.ports.metrics import MetricsStore
from agent_runtime.domain.ports.sessions import LeaseStore, SessionStore, TranscriptStore
from agent_runtime.domain.ports.workers import DispatchListener, WorkerStore

# To the database, of one call. Each is a process, and PostgreSQL takes a hundred as it comes.
CALL_CONNECTIONS: Final = 2


@dataclass(frozen=True, slots=True)
class Stores:
    """The database, from one process."""

    agents: AgentRegistry
    sessions: SessionStore
    metrics: MetricsStore
    leases: LeaseStore
    transcripts: TranscriptStore
    workers: WorkerStore
    dispatch_listener: DispatchListener | None = None


class OpenStores(Protocol):
    """Called in each process that needs the database; sent to job processes, so a function of a module."""

    def __call__(self, connections: int | None = None) -> AbstractAsyncContextManager[Stores]:
        """With so many connections at most, and never more than the settings say."""
