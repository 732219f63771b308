"""LiveKit access tokens: JWTs signed with the server's key."""

from __future__ import annotations

from datetime import timedelta


def caller_token(
    api_key: str, api_secret: str, room_name: str, identity: str, valid: timedelta
) -> str:
    """A JWT with which `identity` may join `room_name`, publish and subscribe."""
    from livekit import api

    grants = api.VideoGrants(room_join=True, room=room_name)
    token = api.AccessToken(api_key, api_secret).with_identity(identity).with_ttl(valid)
    return token.with_grants(grants).to_jwt()
