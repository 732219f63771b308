"""Callers who wait in an agent's room that has no session: an agent is dispatched to them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from agent_runtime.domain.clock import Clock
from agent_runtime.domain.dispatch_rules import DispatchRules
from agent_runtime.domain.lease import LiveSession
from agent_runtime.domain.ports.livekit import OccupiedRoom, Rooms
from agent_runtime.domain.ports.sessions import SessionStore
from agent_runtime.domain.session import CALLER_LEFT, NO_CALLER_CAME, Session

logger = logging.getLogger(__name__)

# LiveKit reports the creation of a room cut to the second: a session that ended within that second may
# have been in an earlier room of that name.
CREATION_PRECISION: Final = timedelta(seconds=1)


async def serve_waiting_callers(
    rules: DispatchRules,
    rooms: Rooms,
    sessions: SessionStore,
    occupied: Mapping[str, OccupiedRoom],
    live: Iterable[LiveSession],
    clock: Clock,
) -> None:
    """Dispatch an agent into each of the `occupied` rooms in which a caller waits for one.

    LiveKit dispatches once into a room, when it is new; after that session's end it is our turn.
    Raises LiveKitUnavailable and StoreUnavailable.
    """
    counts = {name: room.participants for name, room in occupied.items()}
    for room in rules.unserved_rooms(clock.steady(), counts, live):
        created = occupied[room].created_at
        last = await sessions.last_ended(room, created + CREATION_PRECISION)
        if last is None and rules.is_livekits_turn(clock.steady(), room):
            continue
        if await rooms.count_callers(room, since=_waiting_since(last)):
            logger.info("a caller waits without an agent", extra={"room": room})
            rules.record_room_dispatch(clock.steady(), room)
            await rooms.dispatch_automatic(room)


def _waiting_since(last: Session | None) -> datetime | None:
    """The moment after which those have joined who wait for an agent; None when all in the room do.

    A caller who stays after the end of a call, which was its room's `last`, does not wait for another one.
    """
    if last is None or last.reason in (CALLER_LEFT, NO_CALLER_CAME):
        return None
    return last.ended_at
