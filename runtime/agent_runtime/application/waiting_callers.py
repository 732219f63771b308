"""Callers who wait in an agent's room that has no session: an agent is dispatched to them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from agent_runtime.domain.clock import Clock
from agent_runtime.domain.dispatch_rules import DispatchRules
from agent_runtime.domain.lease import LiveSession
from agent_runtime.domain.ports.livekit import Rooms
from agent_runtime.domain.ports.sessions import SessionStore
from agent_runtime.domain.session import CALLER_LEFT, NO_CALLER_CAME, Session

logger = logging.getLogger(__name__)

# LiveKit reports the creation of a room cut to the second: a session that ended within that second may
# have been in an earlier room of that name.
CREATION_PRECISION: Final = timedelta(seconds=1)


class WaitingCallers:
    """Finds them; one object serves for as long as no look at the rooms is missed."""

    def __init__(self, rooms: Rooms, sessions: SessionStore, clock: Clock) -> None:
        self._rooms = rooms
        self._sessions = sessions
        self._clock = clock
        # The last session of each room that has none now, since reading it scans all rows.
        self._last: dict[str, Session | None] = {}

    async def serve(
        self, rules: DispatchRules, rooms: Mapping[str, datetime], live: Iterable[LiveSession]
    ) -> None:
        """Dispatch an agent into each of the open `rooms` in which a caller waits for one.

        LiveKit dispatches once into a room, when it is new; after that session's end it is our turn.
        `rooms` has the time of each one's creation. Raises LiveKitUnavailable and StoreUnavailable.
        """
        live = list(live)
        served = {one.session.room_name for one in live}
        self._last = {
            name: last for name, last in self._last.items() if name in rooms and name not in served
        }
        for room in rules.unserved_rooms(self._clock.steady(), rooms, live):
            if room not in self._last:
                self._last[room] = await self._last_ended(room, rooms)
            last = self._last[room]
            if last is None and rules.is_livekits_turn(self._clock.steady(), room):
                continue
            if not await self._rooms.count_callers(room, since=_waiting_since(last)):
                continue
            # A session may have come and gone between two looks; then who waits is another question.
            self._last[room] = await self._last_ended(room, rooms)
            if self._last[room] == last:
                logger.info("a caller waits without an agent", extra={"room": room})
                rules.record_room_dispatch(self._clock.steady(), room)
                await self._rooms.dispatch_automatic(room)

    async def _last_ended(self, room: str, rooms: Mapping[str, datetime]) -> Session | None:
        return await self._sessions.last_ended(room, rooms[room] + CREATION_PRECISION)


def _waiting_since(last: Session | None) -> datetime | None:
    """The moment after which those have joined who wait for an agent; None when all in the room do.

    A caller who stays after the end of a call, which was its room's `last`, does not wait for another one.
    """
    if last is None or last.reason in (CALLER_LEFT, NO_CALLER_CAME):
        return None
    return last.ended_at
