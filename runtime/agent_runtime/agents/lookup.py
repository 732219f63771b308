"""Finds the configuration of a job's agent in the sources, in their order.

A registration, completed by the agent's row; else the platform's service, else the row of the `agents`
table, else a file. `domain.config_source` names them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent_runtime.agents.forms.registered import parse_registered
from agent_runtime.agents.forms.row import completed, form_of, parse_row
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.sources import AgentSources
from agent_runtime.agents.templates.library import Templates, extended_by
from agent_runtime.domain.agents.agent import STOPPED, Registration
from agent_runtime.domain.agents.config_source import Source, SourceName
from agent_runtime.domain.errors import (
    AgentStopped,
    AgentUnknown,
    InvalidAgentConfig,
    PlatformUnavailable,
)
from agent_runtime.domain.ports.agents import AgentRegistry

logger = logging.getLogger(__name__)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FoundAgent:
    """An agent that may talk, its tenant, how many sessions it may hold at once, and where it was found.

    `version` is that of its registration; None for agents of other sources, which have none.
    """

    config: AgentConfig
    tenant_id: int
    max_sessions: int
    version: int | None = None
    source: Source = field(default=Source(SourceName.REGISTERED))


async def find_agent(
    agents: AgentRegistry,
    agent_id: int,
    default_limit: int,
    sources: AgentSources | None = None,
) -> FoundAgent:
    """The agent as the first source has it.

    `default_limit` is the number of sessions of an agent that names none.
    Raises AgentUnknown, AgentStopped, PlatformUnavailable when the service is away and no later source has
    the agent, or InvalidAgentConfig, which names the faulty fields or columns.
    """
    sources = sources or AgentSources()
    registration, row = await asyncio.gather(agents.get(agent_id), agents.agent_row(agent_id))
    if registration is not None:
        config = await _completed(registration, row, sources.templates)
        return FoundAgent(
            config, registration.tenant_id, registration.max_sessions, registration.version
        )
    outage: PlatformUnavailable | None = None
    try:
        found = await _of_platform(sources, agent_id, row)
    except PlatformUnavailable as error:
        found, outage = None, error
    found = found or _of_row(agent_id, row) or await _of_file(sources, agent_id)
    if found is None:
        raise outage or AgentUnknown(agent_id)
    if outage is not None:
        logger.warning("%s; using the %s", outage, found.source)
    config = found.config
    limit = config.max_concurrent_sessions or default_limit
    return FoundAgent(config, found.tenant_id, limit, source=found.source)


async def _of_platform(sources: AgentSources, agent_id: int, row: Row | None) -> FoundAgent | None:
    found = None if sources.platform is None else await sources.platform.find(agent_id)
    if found is None:
        return None
    tenant_id = found.agent.tenant_id or (0 if row is None else int(row["tenant_id"]))
    source = Source(SourceName.PLATFORM, answered_at=found.answered_at)
    return FoundAgent(found.agent.config, tenant_id, 0, source=source)


def _of_row(agent_id: int, row: Row | None) -> FoundAgent | None:
    if row is None:
        return None
    if row["deployment_status"] == STOPPED:
        raise AgentStopped(agent_id)
    return FoundAgent(parse_row(row), row["tenant_id"], 0, source=Source(SourceName.ROW))


async def _of_file(sources: AgentSources, agent_id: int) -> FoundAgent | None:
    found = None if sources.files is None else await sources.files.find(agent_id)
    if found is None:
        return None
    source = Source(SourceName.FILE, str(found.path))
    return FoundAgent(found.agent.config, found.agent.tenant_id or 0, 0, source=source)


async def _completed(
    registration: Registration, row: Row | None, templates: Templates
) -> AgentConfig:
    """The configuration that was registered, with the values of the row where it has none.

    A row of another tenant is another's, and a faulty row must not harm a registration.
    """
    given = registration.config
    if extended_by(given) is not None:
        given = await asyncio.to_thread(templates.resolved, given)  # it reads files
    if row is not None and row["tenant_id"] == registration.tenant_id:
        try:
            return parse_registered(completed(given, form_of(row)))
        except InvalidAgentConfig as error:
            logger.warning("agent %d: row not used: %s", registration.agent_id, error)
    return parse_registered(given)
