"""LiveKit's webhooks: signed ones are accepted, all others refused, and a flood of them does no harm."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import aiohttp
import pytest

from fixtures.runtime_client.judged_api import JudgedApi
from fixtures.servers import LiveKitServer
from runtime.tests.api.start import StartApi

from .webhook_sender import EVENT, PATH, deliver_signed, token

# On a busy machine this process may be suspended for longer than the API waits for a client. So the API
# waits longer here, and each request has a connection of its own: an idle one would be closed after 5
# seconds.
PATIENT = {"HTTP_HEADER_TIMEOUT": "250", "HTTP_BODY_TIMEOUT": "250"}


def test_a_signed_webhook_is_accepted(api: JudgedApi, livekit: LiveKitServer) -> None:
    """A signed webhook is 200, also for a room that is not ours and when it arrives twice."""
    assert deliver_signed(api, livekit) == 200
    assert deliver_signed(api, livekit) == 200


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
def test_any_other_webhook_is_refused(
    api: JudgedApi,
    livekit: LiveKitServer,
    forge: Callable[[str, str, bytes], str],
    words: str,
) -> None:
    """A forged, old, altered or unsigned webhook is 401, and the error says why."""
    body = json.dumps(EVENT).encode()
    headers = {"Authorization": forge(livekit.api_key, livekit.api_secret, body)}
    answer = api.send("POST", PATH, body=body, headers=headers)
    assert answer.status == 401
    assert words in answer.error


async def test_ten_thousand_at_once(start_api: StartApi, livekit: LiveKitServer) -> None:
    """Of 10,000 webhooks each gets its response: signed, forged, old and altered; the API keeps working."""
    body = json.dumps(EVENT).encode()
    key, secret = livekit.api_key, livekit.api_secret
    kinds = [
        (200, token(key, secret, body)),
        (401, token(key, secret + "x", body)),
        (401, token(key, secret, body, -60)),
        (401, token(key, secret, body + b" ")),
    ]
    with start_api(**PATIENT) as api:
        url = f"http://127.0.0.1:{api.port}{PATH}"
        connector = aiohttp.TCPConnector(limit=100, force_close=True)
        no_timeout = aiohttp.ClientTimeout(total=None, sock_connect=None)
        async with aiohttp.ClientSession(connector=connector, timeout=no_timeout) as http:

            async def post(signed: str) -> int:
                headers = {"Authorization": signed}
                async with http.post(url, data=body, headers=headers) as response:
                    return response.status

            sent = kinds * 2500
            statuses = await asyncio.gather(*(post(signed) for _, signed in sent))
        assert statuses == [status for status, _ in sent]
        agent_id, session_id = await asyncio.to_thread(api.new_session)
        response = await asyncio.to_thread(api.send, "GET", f"/api/sessions/{session_id}")
        assert (agent_id, response.json["status"]) == (1, "connecting")
