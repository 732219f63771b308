"""LiveKit's webhooks: signed ones are noted, all others refused, and a flood of them changes nothing."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable

import aiohttp
import pytest
from livekit import api as livekit_api

from fixtures.runtime_client.judged_api import JudgedApi
from fixtures.servers import LiveKitServer
from runtime.tests.api.start import StartApi

PATH = "/livekit/webhook"
EVENT = {"event": "room_finished", "room": {"name": "no-room-of-ours"}, "id": "EV_1"}


def token(key: str, secret: str, body: bytes, valid: float = 300) -> str:
    """What LiveKit signs a webhook with, by its own library."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    grants = livekit_api.AccessToken(key, secret).with_sha256(digest)
    return grants.with_ttl(dt.timedelta(seconds=valid)).to_jwt()


def deliver(api: JudgedApi, authorization: str, body: bytes) -> int:
    """Post a webhook; the status."""
    headers = {"Authorization": authorization, "Content-Type": "application/webhook+json"}
    return api.ask("POST", PATH, body=body, headers=headers).status


def deliver_right(api: JudgedApi, livekit: LiveKitServer) -> int:
    """One that is as it should be."""
    body = json.dumps(EVENT).encode()
    return deliver(api, token(livekit.api_key, livekit.api_secret, body), body)


def test_a_signed_webhook_is_noted(api: JudgedApi, livekit: LiveKitServer) -> None:
    """Also one for a room that is none of ours, and one that comes twice."""
    assert deliver_right(api, livekit) == 200
    assert deliver_right(api, livekit) == 200


@pytest.mark.parametrize(
    ("forge", "words"),
    [
        (lambda key, secret, body: token(key, secret + "x", body), "signature is wrong"),
        (lambda _key, secret, body: token("other", secret, body), "another key"),
        (lambda key, secret, body: token(key, secret, body + b" "), "not the one that was signed"),
        (lambda key, secret, body: token(key, secret, body, -60), "too old"),
        (lambda _key, _secret, _body: "no.token.at-all", "signature is wrong"),
        (lambda _key, _secret, _body: "é", "is no token"),
        (lambda _key, _secret, _body: "", "signature is wrong"),
    ],
    ids=["secret", "key", "body", "old", "garbage", "letters", "nothing"],
)
def test_any_other_is_refused(
    api: JudgedApi,
    livekit: LiveKitServer,
    forge: Callable[[str, str, bytes], str],
    words: str,
) -> None:
    """With the reason, and without a look at what it says."""
    body = json.dumps(EVENT).encode()
    headers = {"Authorization": forge(livekit.api_key, livekit.api_secret, body)}
    answer = api.ask("POST", PATH, body=body, headers=headers)
    assert answer.status == 401
    assert words in answer.error


async def test_ten_thousand_at_once(start_api: StartApi, livekit: LiveKitServer) -> None:
    """Right, forged, old and altered: each gets its answer, and the API goes on as before."""
    body = json.dumps(EVENT).encode()
    key, secret = livekit.api_key, livekit.api_secret
    kinds = [
        (200, token(key, secret, body)),
        (401, token(key, secret + "x", body)),
        (401, token(key, secret, body, -60)),
        (401, token(key, secret, body + b" ")),
    ]
    with start_api() as api:
        url = f"http://127.0.0.1:{api.port}{PATH}"
        connector = aiohttp.TCPConnector(limit=100)
        async with aiohttp.ClientSession(connector=connector) as http:

            async def one(signed: str) -> int:
                headers = {"Authorization": signed}
                async with http.post(url, data=body, headers=headers) as answer:
                    return answer.status

            sent = kinds * 2500
            statuses = await asyncio.gather(*(one(signed) for _, signed in sent))
        assert statuses == [status for status, _ in sent]
        agent_id, session_id = await asyncio.to_thread(api.new_session)
        answer = await asyncio.to_thread(api.ask, "GET", f"/api/sessions/{session_id}")
        assert (agent_id, answer.json["status"]) == (1, "connecting")
