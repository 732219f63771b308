"""An agent as the platform registered it, and what can be said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Registration:
    """An agent as the builder deployed it.

    `config` is the registered form, kept as it came (unknown keys included); it was
    validated before.
    `max_sessions` is the number of sessions the agent may hold at once.
    """

    agent_id: int
    tenant_id: int
    config: Mapping[str, Any]
    max_sessions: int


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """What GET /api/agents/{agentId} tells; all false and 0 for an agent that is not registered."""

    registered: bool = False
    active: bool = False
    active_sessions: int = 0
    max_sessions: int = 0
