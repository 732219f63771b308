"""The LiveKit stand-in, driven by LiveKit's own client over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from livekit import api

from contract.agent_api.services.livekit_recorder import LiveKitRecorder


@pytest.fixture
async def recorder() -> AsyncIterator[LiveKitRecorder]:
    """A listening stand-in."""
    found = LiveKitRecorder()
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
async def livekit(recorder: LiveKitRecorder) -> AsyncIterator[api.LiveKitAPI]:
    """LiveKit's client of it."""
    async with api.LiveKitAPI(recorder.url, "parity", "s" * 32) as found:
        yield found


async def taken(recorder: LiveKitRecorder) -> list[tuple[str, Any]]:
    """The effects so far."""
    return [(effect.call, json.loads(effect.body)) for effect in await recorder.take()]


def room(name: str, *metadata: str) -> api.CreateRoomRequest:
    """A room with a dispatch for each metadata."""
    agents = [api.RoomAgentDispatch(agent_name="", metadata=text) for text in metadata]
    return api.CreateRoomRequest(name=name, agents=agents)


def launch(name: str, metadata: Any, agent: str = "") -> tuple[str, Any]:
    """The effect of a dispatch."""
    return "Launch", {"room": name, "agentName": agent, "metadata": metadata}


async def test_a_new_room_launches_its_agents(
    recorder: LiveKitRecorder, livekit: api.LiveKitAPI
) -> None:
    """Each dispatch of a new room is launched once; for a room that exists they are ignored."""
    made = await livekit.room.create_room(room("lobby", '{"sessionId":"s-1"}'))
    assert made.name == "lobby"
    assert await taken(recorder) == [launch("lobby", {"sessionId": "s-1"})]
    await livekit.room.create_room(room("lobby", '{"sessionId":"s-2"}'))
    assert await taken(recorder) == []


async def test_effects_are_sorted_and_taken_once(
    recorder: LiveKitRecorder, livekit: api.LiveKitAPI
) -> None:
    """The order of calls is chance, so their content decides; a second `take` is empty."""
    await livekit.room.create_room(room("z", '{"b":1,"a":"é"}'))
    await livekit.room.create_room(room("a", ""))
    await livekit.room.delete_room(api.DeleteRoomRequest(room="z"))
    assert await taken(recorder) == [
        ("DeleteRoom", {"room": "z"}),
        launch("a", None),
        launch("z", {"a": "é", "b": 1}),
    ]
    assert await recorder.take() == ()


async def test_dispatches_are_listed_and_deleted_by_their_ids(
    recorder: LiveKitRecorder, livekit: api.LiveKitAPI
) -> None:
    """A dispatch is listed until it is deleted; a deletion shows its metadata, a lookup is no effect."""
    dispatch = livekit.agent_dispatch
    wanted = api.CreateAgentDispatchRequest(room="lobby", agent_name="x", metadata='{"n":1}')
    made = await dispatch.create_dispatch(wanted)
    assert [d.id for d in await dispatch.list_dispatch("lobby")] == [made.id]
    assert list(await dispatch.list_dispatch("elsewhere")) == []
    assert await taken(recorder) == [launch("lobby", {"n": 1}, "x")]
    await dispatch.delete_dispatch(made.id, "lobby")
    assert await taken(recorder) == [("DeleteDispatch", {"room": "lobby", "metadata": {"n": 1}})]
    with pytest.raises(api.TwirpError) as caught:
        await dispatch.delete_dispatch(made.id, "lobby")
    assert (caught.value.code, await taken(recorder)) == ("not_found", [])


async def test_no_participant_ever_joins(
    recorder: LiveKitRecorder, livekit: api.LiveKitAPI
) -> None:
    """A removal is recorded and refused as LiveKit refuses an absent participant; a list is empty."""
    identity = api.RoomParticipantIdentity(room="lobby", identity="agent-s-1")
    with pytest.raises(api.TwirpError) as caught:
        await livekit.room.remove_participant(identity)
    assert (caught.value.code, caught.value.status) == ("not_found", 404)
    assert await taken(recorder) == [
        ("RemoveParticipant", {"room": "lobby", "identity": "agent-s-1"})
    ]
    listed = await livekit.room.list_participants(api.ListParticipantsRequest(room="lobby"))
    assert list(listed.participants) == []


async def test_rooms_are_listed_by_name(recorder: LiveKitRecorder, livekit: api.LiveKitAPI) -> None:
    """All rooms, or the named ones, until they are deleted or forgotten."""

    async def names(*wanted: str) -> list[str]:
        found = await livekit.room.list_rooms(api.ListRoomsRequest(names=wanted))
        return [each.name for each in found.rooms]

    for name in ("a", "b"):
        await livekit.room.create_room(room(name))
    assert (await names(), await names("b", "c")) == (["a", "b"], ["b"])
    await livekit.room.delete_room(api.DeleteRoomRequest(room="a"))
    assert await names() == ["b"]
    recorder.forget()
    assert (await names(), await recorder.take()) == ([], ())


async def test_an_unknown_call_is_an_effect(
    recorder: LiveKitRecorder, livekit: api.LiveKitAPI
) -> None:
    """A call that the service never made before shows, so that it cannot pass unnoticed."""
    with pytest.raises(api.TwirpError) as caught:
        await livekit.room.mute_published_track(api.MuteRoomTrackRequest(room="lobby"))
    assert caught.value.code == "unimplemented"
    assert await taken(recorder) == [("MutePublishedTrack", {})]


async def test_json_is_spoken_as_well(recorder: LiveKitRecorder) -> None:
    """Twirp has a JSON form, with the field names of the protocol; the answer has the same form."""
    url = f"{recorder.url}/twirp/livekit.RoomService/CreateRoom"
    body = {"name": "lobby", "agents": [{"agent_name": "x", "metadata": "{}"}]}
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        assert response.content_type == "application/json"
        assert (await response.json())["name"] == "lobby"
    assert await taken(recorder) == [launch("lobby", {}, "x")]


async def test_a_stopped_stand_in_is_unreachable_and_returns_on_its_port() -> None:
    """`stop` closes the port, `start` opens the same one, with the rooms of before."""
    found = LiveKitRecorder()
    await found.start()
    url = found.url
    async with api.LiveKitAPI(url, "parity", "s" * 32) as livekit:
        await livekit.room.create_room(room("lobby"))
        await found.stop()
        with pytest.raises(aiohttp.ClientError):
            await livekit.room.list_rooms(api.ListRoomsRequest())
        await found.start()
        assert found.url == url
        assert len((await livekit.room.list_rooms(api.ListRoomsRequest())).rooms) == 1
    await found.stop()
    await found.stop()
