"""Which of a room's participants the agent listens to, and when its callers are gone."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import rtc

from agent_runtime.voice.call.participants import Participants

KINDS = rtc.ParticipantKind
ACTIVE = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
MICROPHONE = rtc.TrackSource.SOURCE_MICROPHONE
UNKNOWN = rtc.TrackSource.SOURCE_UNKNOWN


class Room(rtc.EventEmitter[Any]):
    """A room that the test fills."""

    def __init__(self) -> None:
        super().__init__()
        self.remote_participants: dict[str, Any] = {}

    def enter(
        self,
        identity: str,
        kind: int = KINDS.PARTICIPANT_KIND_STANDARD,
        *,
        can_publish: bool = True,
        **attributes: str,
    ) -> Any:
        """Somebody joins."""
        joined = self.remote_participants[identity] = SimpleNamespace(
            identity=identity,
            kind=kind,
            state=ACTIVE,
            permissions=SimpleNamespace(
                can_publish=can_publish, can_publish_sources=(), hidden=False
            ),
            attributes={key.replace("_", "."): value for key, value in attributes.items()},
            track_publications={},
        )
        self.emit("participant_connected", joined)
        return joined

    def leave(self, identity: str) -> None:
        """Somebody leaves."""
        self.emit("participant_disconnected", self.remote_participants.pop(identity))

    def publish(self, identity: str, source: int) -> None:
        """Somebody publishes a sound."""
        publication = SimpleNamespace(kind=rtc.TrackKind.KIND_AUDIO, source=source)
        participant = self.remote_participants[identity]
        participant.track_publications[str(source)] = publication
        self.emit("track_published", publication, participant)


class RoomInput:
    """The framework's room input: whom it listens to, and to which sources."""

    def __init__(self) -> None:
        self.linked: list[str] = []
        self.audio_input = SimpleNamespace(_accepted_sources={MICROPHONE})

    def set_participant(self, identity: str) -> None:
        """Record the participant."""
        self.linked.append(identity)

    @property
    def sources(self) -> set[int]:
        """The sources that it takes."""
        return cast("set[int]", self.audio_input._accepted_sources)


class Scene:
    """The participants under test; callers are gone after 0.05 s."""

    def __init__(self, serves: str | None = None) -> None:
        self.room = Room()
        self.input = RoomInput()
        self.gone = 0
        self.participants = Participants(
            cast("Any", self.room),
            grace=0.05,
            on_change=lambda: None,
            on_callers_gone=self._callers_gone,
            serves=serves,
        )
        self.participants.control(cast("Any", self.input))

    def _callers_gone(self) -> None:
        self.gone += 1

    async def is_greeted(self, within: float = 0.02) -> bool:
        """Whether the agent would speak to a caller now."""
        try:
            async with asyncio.timeout(within):
                await self.participants.wait_for_caller(10)
        except TimeoutError:
            return False
        return True


@pytest.mark.parametrize(
    ("kind", "can_publish"),
    [
        (KINDS.PARTICIPANT_KIND_EGRESS, True),
        (KINDS.PARTICIPANT_KIND_INGRESS, True),
        (KINDS.PARTICIPANT_KIND_AGENT, True),
        (KINDS.PARTICIPANT_KIND_STANDARD, False),
    ],
)
async def test_who_may_not_talk_is_not_served_and_keeps_no_call(
    kind: int, can_publish: bool
) -> None:
    """A recorder, a medium, another agent or an audience is neither greeted nor waited for."""
    scene = Scene()
    scene.room.enter("other", kind, can_publish=can_publish)
    assert not await scene.is_greeted()
    scene.room.enter("caller")
    assert await scene.is_greeted()
    assert scene.input.linked == ["caller"]
    scene.room.leave("caller")
    await asyncio.sleep(0.1)
    assert scene.gone == 1


async def test_a_listener_who_may_speak_later_is_served_then() -> None:
    """A participant is served from the moment on in which it is permitted to publish."""
    scene = Scene()
    listener = scene.room.enter("listener", can_publish=False)
    assert not await scene.is_greeted()
    listener.permissions.can_publish = True
    scene.room.emit("participant_permissions_changed", listener)
    assert await scene.is_greeted()
    assert scene.input.linked == ["listener"]


async def test_a_telephone_is_greeted_when_it_is_picked_up() -> None:
    """A telephone that is dialed is waited for, without a limit, and greeted when its call is active."""
    scene = Scene()
    telephone = scene.room.enter("telephone", KINDS.PARTICIPANT_KIND_SIP, sip_callStatus="dialing")
    waiting = asyncio.create_task(scene.participants.wait_for_caller(0.01))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    telephone.attributes["sip.callStatus"] = "active"
    scene.room.emit("participant_attributes_changed", {}, telephone)
    await asyncio.wait_for(waiting, 1)


async def test_a_named_caller_alone_is_served() -> None:
    """With an identity to serve, a stranger who came first is not heard, nor keeps the call."""
    scene = Scene(serves="ada")
    scene.room.enter("stranger")
    assert not await scene.is_greeted()
    scene.room.enter("ada")
    assert await scene.is_greeted()
    assert scene.input.linked == ["ada"]
    scene.room.leave("ada")
    await asyncio.sleep(0.1)
    assert (scene.gone, scene.input.linked) == (1, ["ada"])


async def test_a_caller_who_comes_back_in_time_keeps_the_call() -> None:
    """A caller who is back within the grace is linked again, and the call goes on."""
    scene = Scene()
    scene.room.enter("ada")
    scene.room.leave("ada")
    scene.room.enter("ada")
    await asyncio.sleep(0.1)
    assert (scene.gone, scene.input.linked) == (0, ["ada", "ada"])


async def test_the_other_caller_is_heard_when_the_first_one_leaves() -> None:
    """Of two callers the first is heard; when it has left, the second."""
    scene = Scene()
    scene.room.enter("ada")
    scene.room.enter("bob")
    assert scene.input.linked == ["ada"]
    scene.room.leave("ada")
    assert scene.input.linked == ["ada", "bob"]


async def test_a_sound_of_unknown_source_is_heard_where_it_is_the_only_one() -> None:
    """A track that says no source is heard; a microphone beside it is heard instead."""
    scene = Scene()
    scene.room.enter("ada")
    assert scene.input.sources == {MICROPHONE}
    scene.room.publish("ada", UNKNOWN)
    assert scene.input.sources == {UNKNOWN}
    scene.room.publish("ada", MICROPHONE)
    assert scene.input.sources == {MICROPHONE}


async def test_a_caller_who_never_comes_is_not_waited_for() -> None:
    """Waiting for a caller ends after its limit."""
    with pytest.raises(TimeoutError):
        await Scene().participants.wait_for_caller(0.01)
