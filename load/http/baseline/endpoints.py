"""The baseline's endpoints."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

import aiohttp
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from livekit import api
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from load.http.baseline.bodies import (
    Create,
    Created,
    CreatedSession,
    Healthy,
    Register,
    Registered,
    SessionState,
)
from load.http.baseline.dispatch import dispatch
from load.http.baseline.tables import Registration, Session

_bearer = HTTPBearer(auto_error=False)


async def require_key(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    """Raise 401 when the key is missing or wrong."""
    key: str = request.app.state.api_key
    if given is None or not secrets.compare_digest(given.credentials.encode(), key.encode()):
        raise HTTPException(401, "Unauthorized", {"WWW-Authenticate": "Bearer"})


async def database(request: Request) -> AsyncIterator[AsyncSession]:
    """Open a database session for one request."""
    async with request.app.state.sessions() as session:
        yield session


async def livekit(request: Request) -> api.LiveKitAPI:
    """The process's LiveKit client."""
    client: api.LiveKitAPI = request.app.state.livekit
    return client


Database = Annotated[AsyncSession, Depends(database)]
LiveKit = Annotated[api.LiveKitAPI, Depends(livekit)]

public = APIRouter()
authenticated = APIRouter(prefix="/api", dependencies=[Depends(require_key)])


@public.get("/health")
async def health() -> Healthy:
    """Report that the process runs; checks nothing else."""
    return Healthy(timestamp=datetime.now(UTC))


@authenticated.post("/agents/register")
async def register(body: Register, database: Database) -> Registered:
    """Register an agent, or replace its configuration."""
    values = body.model_dump() | {"max_sessions": body.config.get("maxConcurrentSessions") or 100}
    async with database.begin():
        await database.execute(
            insert(Registration)
            .values(values)
            .on_conflict_do_update(index_elements=[Registration.agent_id], set_=values)
        )
    return Registered(agent_id=body.agent_id)


@authenticated.post("/sessions/create")
async def create(body: Create, database: Database, livekit: LiveKit) -> Created:
    """Reserve capacity under a lock of the agent's row, then dispatch the agent to the room."""
    row = Session(
        **body.model_dump(exclude={"participant_name"}),
        session_id=secrets.token_urlsafe(16)[:21],
        status="connecting",
        started_at=datetime.now(UTC).replace(tzinfo=None),
        details={"participantName": body.participant_name} if body.participant_name else {},
    )
    async with database.begin():
        agent = await database.scalar(
            select(Registration).where(Registration.agent_id == body.agent_id).with_for_update()
        )
        if agent is None:
            raise HTTPException(400, f"Agent {body.agent_id} not registered")
        live = await database.scalar(
            select(func.count())
            .select_from(Session)
            .where(Session.agent_id == body.agent_id, Session.status.in_(("connecting", "active")))
        )
        if (live or 0) >= agent.max_sessions:
            limit = agent.max_sessions
            raise HTTPException(400, f"Agent {body.agent_id} is at capacity ({limit} sessions)")
        database.add(row)
    try:
        await dispatch(livekit, row)
    except (aiohttp.ClientError, TimeoutError, api.TwirpError) as error:
        async with database.begin():
            row.status = "error"
        raise HTTPException(503, f"LiveKit cannot be reached: {error}") from error
    return Created(session=CreatedSession.model_validate(row))


@authenticated.get(
    "/sessions/{session_id}", response_model=SessionState, response_model_exclude_none=True
)
async def get_session(session_id: str, database: Database) -> Session:
    """The state of a session."""
    row = await database.scalar(select(Session).where(Session.session_id == session_id))
    if row is None:
        raise HTTPException(404, f"Session {session_id} not found")
    return row
