"""From a job to a session that can start: the agent's configuration is loaded, and the room is joined."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from livekit.agents import AgentSession, JobContext

from agent_runtime.agents.instructions import Tool, fill_texts, instructions
from agent_runtime.agents.lookup import find_agent
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.profiles import Pace, pace_of
from agent_runtime.domain.agents.config_source import SourceName
from agent_runtime.domain.agents.text_ids import with_number
from agent_runtime.domain.callers.privacy import PrivacyTier
from agent_runtime.domain.errors import InvalidAgentConfig, SecretsUnreadable, StoreUnavailable
from agent_runtime.domain.job import MAX_ID, UNNUMBERED, JobTarget
from agent_runtime.domain.session import Session, SessionStatus
from agent_runtime.secrecy.known import remember
from agent_runtime.secrecy.names import secrets_in
from agent_runtime.telemetry.log_redaction import hide_in_job_logs
from agent_runtime.voice.call.context import CallContext
from agent_runtime.voice.jobs.metadata import UNCLAIMED
from agent_runtime.voice.machine.pressure import recent_pressure
from agent_runtime.voice.pipeline.session import build_session
from agent_runtime.voice.turns.floor import Floor

logger = logging.getLogger(__name__)

# Characters of the names of missing variables that are logged.
LONGEST_NAMES: Final = 500


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """An AgentSession that has not started, and what its agent is made from."""

    config: AgentConfig
    pace: Pace
    floor: Floor
    session: AgentSession[Any]
    version: int | None = None  # of the agent's registration


def join_early(job: JobContext, target: JobTarget) -> asyncio.Task[None] | None:
    """Start to join the room, if no other agent can be in it: the worker claimed the session for this job.

    None otherwise; then `prepare_and_join` joins after it has claimed the session.
    """
    if job.is_fake_job() or target.session_id is None:
        return None
    if UNCLAIMED in (job.token_claims().attributes or {}):
        return None
    return asyncio.create_task(job.connect())


async def prepare_and_join(
    context: CallContext, joining: asyncio.Task[None] | None
) -> PreparedCall:
    """Prepare the call while `joining` joins the room; without it, join afterwards.

    Raises the errors of `outcome.CANNOT_START`.
    """
    if joining is None:
        prepared = await prepare(context)
        await context.job.connect()
        return prepared
    try:
        return await prepare(context)
    finally:
        await joining  # also when the job is refused: a room that is not joined cannot be left


async def prepare(context: CallContext) -> PreparedCall:
    """Find the agent, write an automatic session, and build the AgentSession."""
    stores, settings = context.stores, context.settings
    limit = settings.max_sessions_per_agent
    is_new = context.target.session_id is None
    await _require_number(context)
    try:
        agent = await find_agent(stores.agents, context.target.agent_id, limit, stores.sources)
    except InvalidAgentConfig:
        if is_new:  # a row says why the caller had no agent
            await _create_session(context, await _tenant_of(context), MAX_ID)
        raise
    except SecretsUnreadable as error:
        if is_new:
            await _create_session(context, error.tenant_id, MAX_ID)
        raise
    # A provider may quote a key in an error: neither logs nor the session's row may have it.
    remember(secrets_in(agent.config.model_dump(by_alias=True)))
    hide_in_job_logs()
    if agent.source.name is not SourceName.REGISTERED:
        logger.info("configuration from the %s", agent.source)
    if is_new:
        await _create_session(context, agent.tenant_id, agent.max_sessions)
    config = with_instructions(agent.config, context.target.variables, datetime.now(UTC))
    pace = pace_of(config, settings.worker.profile, recent_pressure())
    floor = Floor()
    pipeline = build_session(config, pace, floor, settings, context.job.proc)
    return PreparedCall(config, pace, floor, pipeline, agent.version)


async def _require_number(context: CallContext) -> None:
    """Raise AgentUnknown, or StoreUnavailable, for a job whose agent's text id has no number."""
    if context.target.agent_id == UNNUMBERED:
        await with_number(context.target, context.stores.text_ids)
        raise StoreUnavailable("the agent's number could not be read when the job began")


def tier_of(config: AgentConfig, context: CallContext) -> PrivacyTier:
    """How much of the agent's conversations is kept."""
    return config.privacy or context.settings.privacy


async def _create_session(context: CallContext, tenant_id: int, limit: int) -> None:
    """Write the row of a session that LiveKit's automatic dispatch began, and take its lease."""
    session = Session(
        session_id=context.session_id,
        agent_id=context.target.agent_id,
        tenant_id=context.target.tenant_id or tenant_id,
        room_name=context.job.job.room.name,
        status=SessionStatus.CONNECTING,
        started_at=datetime.now(UTC),
    )
    await context.stores.sessions.create_automatic(session, limit)
    # The worker does so for a session that it knows. Without a lease another agent would be sent soon.
    await context.stores.leases.claim(context.session_id, context.holder)


async def _tenant_of(context: CallContext) -> int:
    """The tenant of an agent whose configuration is faulty: the registration's, else the row's."""
    agents, agent_id = context.stores.agents, context.target.agent_id
    registration = await agents.get(agent_id)
    if registration is not None:
        return registration.tenant_id
    row = await agents.agent_row(agent_id)
    return 0 if row is None else int(row["tenant_id"])


def with_instructions(
    config: AgentConfig, variables: Mapping[str, Any], now: datetime
) -> AgentConfig:
    """The configuration as the call needs it: variables filled, and the prompt with all its sections.

    `variables` are those of the job. A create was refused when one had no value; a job without a create
    goes on, and what has no value is left out, never spoken.
    Raises InvalidAgentConfig, naming a text that cannot be filled.
    """
    filled = fill_texts(config, variables, now)
    if filled.missing:
        names = sorted({name for of_text in filled.missing.values() for name in of_text})
        logger.warning("no value for %s: left out", ", ".join(names)[:LONGEST_NAMES])
    prompt = instructions(filled.config, now, _named_tools(filled.config))
    return filled.config.model_copy(update={"system_prompt": prompt})


def _named_tools(config: AgentConfig) -> list[Tool]:
    """The tools of the call as its instructions name them."""
    if not (tools := config.call_tools):
        return []
    from agent_runtime.voice.tools.calls import described

    return [Tool(one.name, described(one)[0]) for one in tools]
