"""Agents, sessions and figures in PostgreSQL or SQLite."""

from agent_runtime.storage.agents import RegisteredAgents
from agent_runtime.storage.bell import bell_of, ear_of
from agent_runtime.storage.conversation import StoredConversations
from agent_runtime.storage.database import Database
from agent_runtime.storage.doctor import Broken, Doctor
from agent_runtime.storage.events import StoredEvents
from agent_runtime.storage.figures import Figures
from agent_runtime.storage.guard import guard_of
from agent_runtime.storage.instances import StoredInstances
from agent_runtime.storage.leases import StoredLeases
from agent_runtime.storage.opening import open_database
from agent_runtime.storage.sessions import StoredSessions

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
