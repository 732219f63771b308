"""What a call asks of the LiveKit server about its room, beside what its own connection reports."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from agent_runtime.domain.errors import (
    AgentStopped,
    InvalidInput,
    LiveKitUnavailable,
    RoomTaken,
    StoreUnavailable,
)
from agent_runtime.domain.session import CALLER_LEFT, Session, is_own_room
from agent_runtime.livekit_api.rooms import LiveKitRooms
from agent_runtime.voice.call.context import CallContext
from agent_runtime.voice.call.outcome import Outcome

logger = logging.getLogger(__name__)

# Seconds for which an agent waits until the session before it has given up the room: the row of a session
# whose room was closed lives for a moment longer than the room.
ROOM_FREE_WITHIN: Final = 3.0
# Seconds between two attempts to take the room.
ROOM_PAUSE: Final = 0.1


async def is_caller_there(context: CallContext) -> bool:
    """Whether the server knows of a caller in the room; False when it cannot be asked.

    It announces a participant who publishes nothing to others up to 3 s after its arrival
    (livekit-server 1.13.5).
    """
    if context.at_console:
        return False
    try:
        async with _rooms(context) as rooms:
            found = await rooms.count_callers(
                context.job.job.room.name, context.target.participant_identity
            )
    except LiveKitUnavailable as error:
        logger.warning("not known whether a caller is in the room: %s", error)
        return False
    return bool(found)


def lets_caller_go(error: Exception) -> bool:
    """Whether a job that was refused with `error` leaves callers who would wait for nothing."""
    return isinstance(error, InvalidInput | AgentStopped)


async def close_room(context: CallContext, outcome: Outcome, *, is_hopeless: bool) -> None:
    """Close the session's own room after its end, so that callers in it do not wait for nobody.

    With `is_hopeless`, close the agent's room as well, unless another session's call is in it.
    """
    room = context.job.job.room.name
    is_ours = is_own_room(room, context.session_id) or (is_hopeless and context.is_automatic)
    if outcome.status is None or outcome.reason == CALLER_LEFT or not is_ours or context.at_console:
        return
    try:
        if not await context.stores.leases.is_live(room):
            async with _rooms(context) as rooms:
                await rooms.close_room(room)
    except (LiveKitUnavailable, StoreUnavailable) as error:
        logger.warning("room is not closed: %s", error)


async def activate(context: CallContext, agent_version: int | None) -> Session:
    """Take the room and make the session active; returns it. An earlier session gets time to leave.

    The session's row keeps the version of the agent.

    Raises the errors of `SessionStore.activate`.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + ROOM_FREE_WITHIN
    while True:
        try:
            return await context.stores.sessions.activate(
                context.session_id, context.holder, agent_version
            )
        except RoomTaken:
            if loop.time() > until:
                raise
            await asyncio.sleep(ROOM_PAUSE)


@asynccontextmanager
async def _rooms(context: CallContext) -> AsyncIterator[LiveKitRooms]:
    livekit = context.settings.livekit
    rooms = LiveKitRooms(
        livekit.url,
        livekit.api_key,
        livekit.api_secret.get_secret_value(),
        timeout=livekit.timeout,
    )
    try:
        yield rooms
    finally:
        await rooms.close()
