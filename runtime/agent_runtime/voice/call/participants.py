"""The participants of a room: the agent listens to one caller at a time, and a caller may come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from livekit import rtc
from livekit.agents import room_io

from agent_runtime.domain.callers.participant import Participant
from agent_runtime.voice.livekit_tuning.audio_sources import accept_sources

# An identity that no participant has. The framework's room input waits for it, and so links to nobody
# by itself: it would take whoever joins first, also a participant that may not speak.
NOBODY: Final = ""
_ACTIVE: Final = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
_MICROPHONE: Final = rtc.TrackSource.SOURCE_MICROPHONE
_UNKNOWN: Final = rtc.TrackSource.SOURCE_UNKNOWN
# Events of the room after which another participant may be the caller, or have another voice.
_CHANGES: Final = (
    "participant_active",
    "participant_attributes_changed",
    "participant_permissions_changed",
    "track_published",
    "track_unpublished",
)


class Participants:
    """The participants of one room, and which caller the agent listens to.

    With `serves`, only the participant of that identity is a caller; else everybody who may speak is.
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
        serves: str | None = None,
    ) -> None:
        self._room = room
        self._grace = grace
        self._on_change = on_change
        self._on_callers_gone = on_callers_gone
        self._serves = serves
        self._room_io: room_io.RoomIO | None = None
        self._linked: str | None = None
        self._grace_timer: asyncio.TimerHandle | None = None
        self._caller_present = asyncio.Event()
        self._caller_listens = asyncio.Event()
        room.on("participant_connected", self._on_connected)
        room.on("participant_disconnected", self._on_disconnected)
        for event in _CHANGES:
            room.on(event, self._on_event)

    @property
    def count(self) -> int:
        """The number of participants in the room, the agent included."""
        return len(self._room.remote_participants) + 1

    async def wait_for_caller(self, timeout: float) -> None:
        """Return when a caller is in the room and can hear the agent.

        Raises TimeoutError when none has come after `timeout` seconds; a telephone may ring longer.
        """
        self._update()
        async with asyncio.timeout(timeout):
            await self._caller_present.wait()
        await self._caller_listens.wait()

    def control(self, room_input: room_io.RoomIO) -> None:
        """Choose from now on which caller `room_input` listens to."""
        self._room_io = room_input
        self._linked = None
        self._update()

    def wait_again(self) -> None:
        """Wait for another `grace` seconds until the callers are gone."""
        self.close()
        loop = asyncio.get_running_loop()
        self._grace_timer = loop.call_later(self._grace, self._on_callers_gone)

    def close(self) -> None:
        """Stop the timer: the call is over."""
        if self._grace_timer is not None:
            self._grace_timer.cancel()

    def _on_connected(self, _participant: rtc.RemoteParticipant) -> None:
        self._on_change()
        self._update()

    def _on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        self._on_change()
        if participant.identity == self._linked:
            self._linked = None
        self._update()

    def _on_event(self, *_details: Any) -> None:
        self._update()

    def _update(self) -> None:
        """Link to a caller if there is one, and start or stop the timer of the grace."""
        callers = self._callers()
        if not callers:
            self._linked = None
            self._caller_listens.clear()
            if self._caller_present.is_set():
                self._caller_present.clear()
                self.wait_again()
            return
        self._caller_present.set()
        if self._grace_timer is not None:
            self._grace_timer.cancel()
            self._grace_timer = None
        listening = [one for one in callers.values() if _listens(one)]
        linked = callers.get(self._linked or NOBODY)
        if linked is None or (listening and not _listens(linked)):
            linked = listening[0] if listening else next(iter(callers.values()))
        self._link(linked)
        if listening:
            self._caller_listens.set()
        else:
            self._caller_listens.clear()

    def _callers(self) -> dict[str, rtc.RemoteParticipant]:
        return {
            identity: one
            for identity, one in self._room.remote_participants.items()
            if describe(one).is_caller and self._serves in (None, identity)
        }

    def _link(self, participant: rtc.RemoteParticipant) -> None:
        """Listen to this caller, by the voice that the caller has."""
        if self._room_io is not None:
            accept_sources(self._room_io.audio_input, _voice_of(participant))
        if self._linked == participant.identity:
            return
        self._linked = participant.identity
        if self._room_io is not None:
            self._room_io.set_participant(participant.identity)


def describe(participant: rtc.RemoteParticipant) -> Participant:
    """The participant as the domain judges it."""
    may = participant.permissions
    kind = rtc.ParticipantKind.Name(participant.kind).removeprefix("PARTICIPANT_KIND_")
    return Participant(
        participant.identity,
        kind,
        may.can_publish,
        [rtc.TrackSource.Name(one).removeprefix("SOURCE_") for one in may.can_publish_sources],
        may.hidden,
        participant.attributes,
    )


def _listens(participant: rtc.RemoteParticipant) -> bool:
    return participant.state == _ACTIVE and describe(participant).has_picked_up


def _voice_of(participant: rtc.RemoteParticipant) -> set[rtc.TrackSource.ValueType]:
    """The sources to listen to: a track that says no source is a voice only without a microphone."""
    published = {
        one.source
        for one in participant.track_publications.values()
        if one.kind == rtc.TrackKind.KIND_AUDIO
    }
    return {_UNKNOWN} if _UNKNOWN in published and _MICROPHONE not in published else {_MICROPHONE}
