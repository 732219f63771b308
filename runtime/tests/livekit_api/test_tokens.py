"""Access tokens for callers."""

from datetime import timedelta

from livekit import api, rtc

from agent_runtime.livekit_api.tokens import caller_token
from fixtures.servers import LiveKitServer


async def test_a_token_admits_its_identity_to_its_room(livekit: LiveKitServer) -> None:
    """The server admits the bearer to the token's room under the token's identity, not as admin."""
    valid = timedelta(minutes=5)
    token = caller_token(livekit.api_key, livekit.api_secret, "hall", "ada", valid)
    room = rtc.Room()
    await room.connect(livekit.url, token)
    assert (room.name, room.local_participant.identity) == ("hall", "ada")
    await room.disconnect()
    claims = api.TokenVerifier(livekit.api_key, livekit.api_secret).verify(token)
    assert claims.video is not None
    assert not claims.video.room_admin
