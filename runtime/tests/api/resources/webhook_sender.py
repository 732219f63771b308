"""Webhooks as LiveKit sends them."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json

from livekit import api as livekit_api

from fixtures.runtime_client.judged_api import JudgedApi
from fixtures.servers import LiveKitServer

PATH = "/livekit/webhook"
EVENT = {"event": "room_finished", "room": {"name": "no-room-of-ours"}, "id": "EV_1"}


def token(key: str, secret: str, body: bytes, valid: float = 300) -> str:
    """The token with which LiveKit signs a webhook, made by its own library."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    grants = livekit_api.AccessToken(key, secret).with_sha256(digest)
    return grants.with_ttl(dt.timedelta(seconds=valid)).to_jwt()


def deliver(api: JudgedApi, authorization: str, body: bytes) -> int:
    """Post a webhook; returns the status."""
    headers = {"Authorization": authorization, "Content-Type": "application/webhook+json"}
    return api.send("POST", PATH, body=body, headers=headers).status


def deliver_signed(api: JudgedApi, livekit: LiveKitServer) -> int:
    """Post a webhook that is signed correctly; returns the status."""
    body = json.dumps(EVENT).encode()
    return deliver(api, token(livekit.api_key, livekit.api_secret, body), body)
