"""Checks that every variable of an agent's texts has a value before a session is created."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from agent_runtime.agents.forms.registered import parse_registered
from agent_runtime.agents.instructions import fill_texts
from agent_runtime.agents.templates import Templates
from agent_runtime.agents.templates.library import extended_by
from agent_runtime.domain.clock import Clock
from agent_runtime.domain.errors import VariablesMissing
from agent_runtime.domain.ports.agents import AgentRegistry
from agent_runtime.domain.session import Session


class VariableCheck:
    """Fills the texts of registered agents as a call will."""

    def __init__(self, agents: AgentRegistry, templates: Templates, clock: Clock) -> None:
        self._agents = agents
        self._templates = templates
        self._clock = clock

    async def resolved(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The configuration, completed by its templates. Raises InvalidAgentConfig."""
        if extended_by(config) is None:
            return config
        return await asyncio.to_thread(self._templates.resolved, config)  # it reads files

    async def check(self, session: Session) -> None:
        """Raise VariablesMissing, or InvalidAgentConfig when a text cannot be filled with the values."""
        registration = await self._agents.get(session.agent_id)
        if registration is None:
            return  # unregistered meanwhile: the create that follows says so
        config = parse_registered(await self.resolved(registration.config))
        missing = fill_texts(config, session.variables, self._clock.wall()).missing
        if missing:
            raise VariablesMissing(missing)
