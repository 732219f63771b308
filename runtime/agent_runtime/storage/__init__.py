"""Agents, sessions and metrics in PostgreSQL or SQLite."""

from agent_runtime.storage.engines.leader_lock import leader_lock
from agent_runtime.storage.engines.notify import dispatch_listener, dispatch_notifier
from agent_runtime.storage.engines.open import open_database
from agent_runtime.storage.repositories.access.audit import StoredAudit
from agent_runtime.storage.repositories.access.keys import StoredKeys
from agent_runtime.storage.repositories.doctor import Doctor, Violation
from agent_runtime.storage.repositories.events import StoredEvents
from agent_runtime.storage.repositories.leases import StoredLeases
from agent_runtime.storage.repositories.metrics.store import StoredMetrics
from agent_runtime.storage.repositories.outbox.webhooks import StoredWebhooks
from agent_runtime.storage.repositories.registry.agents import RegisteredAgents
from agent_runtime.storage.repositories.registry.text_ids import StoredTextIds
from agent_runtime.storage.repositories.sessions.store import StoredSessions
from agent_runtime.storage.repositories.transcripts import StoredTranscripts
from agent_runtime.storage.repositories.workers import StoredWorkers
from agent_runtime.storage.sql.database import Database

__all__ = [
    "Database",
    "Doctor",
    "RegisteredAgents",
    "StoredAudit",
    "StoredEvents",
    "StoredKeys",
    "StoredLeases",
    "StoredMetrics",
    "StoredSessions",
    "StoredTextIds",
    "StoredTranscripts",
    "StoredWebhooks",
    "StoredWorkers",
    "Violation",
    "dispatch_listener",
    "dispatch_notifier",
    "leader_lock",
    "open_database",
]
