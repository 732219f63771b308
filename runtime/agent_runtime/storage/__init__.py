"""Agents, sessions and figures in PostgreSQL or SQLite."""

from agent_runtime.storage.agents import RegisteredAgents
from agent_runtime.storage.database import Database
from agent_runtime.storage.figures import Figures
from agent_runtime.storage.opening import open_database
from agent_runtime.storage.sessions import StoredSessions

__all__ = ["Database", "Figures", "RegisteredAgents", "StoredSessions", "open_database"]
