"""Agents, sessions and figures in PostgreSQL or SQLite."""

from agent_runtime.storage.engines.leader_lock import guard_of
from agent_runtime.storage.engines.notify import bell_of, ear_of
from agent_runtime.storage.engines.open import open_database
from agent_runtime.storage.repositories.agents import RegisteredAgents
from agent_runtime.storage.repositories.doctor import Broken, Doctor
from agent_runtime.storage.repositories.events import StoredEvents
from agent_runtime.storage.repositories.leases import StoredLeases
from agent_runtime.storage.repositories.metrics import Figures
from agent_runtime.storage.repositories.sessions import StoredSessions
from agent_runtime.storage.repositories.transcripts import StoredConversations
from agent_runtime.storage.repositories.workers import StoredInstances
from agent_runtime.storage.sql.database import Database

__all__ = [
    "Broken",
    "Database",
    "Doctor",
    "Figures",
    "RegisteredAgents",
    "StoredConversations",
    "StoredEvents",
    "StoredInstances",
    "StoredLeases",
    "StoredSessions",
    "bell_of",
    "ear_of",
    "guard_of",
    "open_database",
]
