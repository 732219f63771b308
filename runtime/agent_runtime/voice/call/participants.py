"""Who is in the room to talk with: one caller is listened to at a time, and one may come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from livekit import rtc
from livekit.agents import room_io

CALLERS: Final = [
    rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
    rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
]
_ACTIVE: Final = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE


class Participants:
    """The callers of one room.

    `on_change()` is called when somebody comes or goes, `on_nobody()` when the last caller has been gone
    for `grace` seconds.
    """

    def __init__(
        self,
        room: rtc.Room,
        *,
        grace: float,
        on_change: Callable[[], None],
        on_nobody: Callable[[], None],
    ) -> None:
        self._room = room
        self._seconds = grace
        self._on_change = on_change
        self._on_nobody = on_nobody
        self._hearing: room_io.RoomIO | None = None
        self._grace: asyncio.TimerHandle | None = None
        self._came = asyncio.Event()
        room.on("participant_connected", self._on_came)
        room.on("participant_active", self._on_active)
        room.on("participant_disconnected", self._on_left)

    @property
    def participants(self) -> int:
        """All that are in the room, the agent itself too."""
        return len(self._room.remote_participants) + 1

    async def somebody(self) -> None:
        """Until a caller is in the room and can hear."""
        here = self._room.remote_participants.values()
        if not any(p.kind in CALLERS and p.state == _ACTIVE for p in here):
            self._came.clear()
            await self._came.wait()

    def is_heard_through(self, hearing: room_io.RoomIO) -> None:
        """What decides which caller the agent listens to."""
        self._hearing = hearing

    def close(self) -> None:
        """The call is over."""
        if self._grace is not None:
            self._grace.cancel()

    def _on_came(self, participant: rtc.RemoteParticipant) -> None:
        self._on_change()
        if participant.kind in CALLERS and self._grace is not None:
            self._grace.cancel()
            self._grace = None
            self._listen_to(participant)

    def _on_active(self, participant: rtc.RemoteParticipant) -> None:
        if participant.kind in CALLERS:
            self._came.set()

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        self._on_change()
        if participant.kind not in CALLERS:
            return
        if others := [p for p in self._room.remote_participants.values() if p.kind in CALLERS]:
            if self._heard() in (None, participant.identity):
                self._listen_to(others[0])
        else:
            loop = asyncio.get_running_loop()
            self._grace = loop.call_later(self._seconds, self._on_nobody)

    def _heard(self) -> str | None:
        linked = self._hearing.linked_participant if self._hearing is not None else None
        return linked.identity if linked is not None else None

    def _listen_to(self, participant: rtc.RemoteParticipant) -> None:
        """Hear this caller from now on; the one that was heard so far has gone."""
        if self._hearing is not None:
            self._hearing.set_participant(participant.identity)
