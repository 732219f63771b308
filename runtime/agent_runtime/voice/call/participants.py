"""The participants of a room: the agent listens to one caller at a time, and a caller may come back."""

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
    """The participants of one room, and which caller the agent listens to.

    Calls `on_change()` when a participant comes or goes, `on_callers_gone()` when the last caller has been
    gone for `grace` seconds.
    """

    def __init__(
        self,
        room: rtc.Room,
        *,
        grace: float,
        on_change: Callable[[], None],
        on_callers_gone: Callable[[], None],
    ) -> None:
        self._room = room
        self._grace = grace
        self._on_change = on_change
        self._on_callers_gone = on_callers_gone
        self._room_io: room_io.RoomIO | None = None
        self._grace_timer: asyncio.TimerHandle | None = None
        self._caller_active = asyncio.Event()
        room.on("participant_connected", self._on_connected)
        room.on("participant_active", self._on_active)
        room.on("participant_disconnected", self._on_disconnected)

    @property
    def count(self) -> int:
        """The number of participants in the room, the agent included."""
        return len(self._room.remote_participants) + 1

    async def wait_for_caller(self) -> None:
        """Return when a caller is in the room and can hear the agent."""
        here = self._room.remote_participants.values()
        if not any(p.kind in CALLERS and p.state == _ACTIVE for p in here):
            self._caller_active.clear()
            await self._caller_active.wait()

    def control(self, room_input: room_io.RoomIO) -> None:
        """Choose from now on which caller `room_input` listens to."""
        self._room_io = room_input

    def close(self) -> None:
        """Stop the timer: the call is over."""
        if self._grace_timer is not None:
            self._grace_timer.cancel()

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        self._on_change()
        if participant.kind in CALLERS and self._grace_timer is not None:
            self._grace_timer.cancel()
            self._grace_timer = None
            self._link(participant)

    def _on_active(self, participant: rtc.RemoteParticipant) -> None:
        if participant.kind in CALLERS:
            self._caller_active.set()

    def _on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        self._on_change()
        if participant.kind not in CALLERS:
            return
        if others := [p for p in self._room.remote_participants.values() if p.kind in CALLERS]:
            if self._linked_identity() in (None, participant.identity):
                self._link(others[0])
        else:
            loop = asyncio.get_running_loop()
            self._grace_timer = loop.call_later(self._grace, self._on_callers_gone)

    def _linked_identity(self) -> str | None:
        linked = self._room_io.linked_participant if self._room_io is not None else None
        return linked.identity if linked is not None else None

    def _link(self, participant: rtc.RemoteParticipant) -> None:
        """Listen to this caller; the one that the agent listened to is gone."""
        if self._room_io is not None:
            self._room_io.set_participant(participant.identity)
