"""An agent as the platform registered it, and its status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from agent_runtime.domain.callers.privacy import PrivacyTier

# The platform's `deployment_status` of an agent that takes no new sessions.
STOPPED: Final = "stopped"
# The origin of a version that a client registered.
REGISTERED: Final = "registered over HTTP"


@dataclass(frozen=True, slots=True)
class Registration:
    """An agent as the platform's builder deployed it.

    `config` is the validated form exactly as it was received, unknown keys included. `max_sessions` is
    how many sessions the agent may hold at once. `version` counts the contents that were registered,
    from 1; it is None until the registration is stored. `origin` says where the content came from. With
    `has_variables`, which is written and not read, a create has to check that all variables have values;
    with `has_webhooks`, which is written and not read either, the events of its sessions are delivered.
    `privacy` is the tier that `config` names.
    """

    agent_id: int
    tenant_id: int
    config: Mapping[str, Any] = field(repr=False)
    max_sessions: int
    version: int | None = field(default=None, compare=False)
    origin: str = field(default=REGISTERED, compare=False)
    has_variables: bool = field(default=False, compare=False)
    privacy: PrivacyTier | None = field(default=None, compare=False)
    has_webhooks: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class AgentVersion:
    """One version of an agent, as its history lists it."""

    version: int
    tenant_id: int
    origin: str
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """The answer of GET /api/agents/{agentId}; all false and 0 for an agent that is not registered."""

    registered: bool = False
    active: bool = False
    active_sessions: int = 0
    max_sessions: int = 0
