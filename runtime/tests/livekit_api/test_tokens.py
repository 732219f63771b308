"""Tokens for callers."""

from datetime import timedelta

from livekit import api, rtc

from agent_runtime.livekit_api.tokens import caller_token
from fixtures.servers import LiveKitServer


async def test_a_token_joins_its_room_and_says_who(livekit: LiveKitServer) -> None:
    """The real server lets its bearer into the room it names, under the identity it names."""
    valid = timedelta(minutes=5)
    token = caller_token(livekit.api_key, livekit.api_secret, "hall", "ada", valid)
    room = rtc.Room()
    await room.connect(livekit.url, token)
    assert (room.name, room.local_participant.identity) == ("hall", "ada")
    await room.disconnect()
    claims = api.TokenVerifier(livekit.api_key, livekit.api_secret).verify(token)
    assert claims.video is not None
    assert not claims.video.room_admin
