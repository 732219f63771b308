"""Webhooks that arrive more than once."""

from __future__ import annotations

import base64
import hashlib
import json
import time

import jwt
import pytest

from agent_runtime.livekit_api import webhooks
from agent_runtime.livekit_api.webhooks import LEEWAY, WebhookReader, WebhookRefused

BODY = json.dumps({"event": "room_finished"}).encode()


def signed(number: int, expires: float) -> str:
    """A webhook's token; different for each number."""
    claims = {
        "iss": "key",
        "nbf": 0,
        "exp": expires,
        "jti": number,
        "sha256": base64.b64encode(hashlib.sha256(BODY).digest()).decode(),
    }
    return jwt.encode(claims, "secret-secret-secret-secret-secret", algorithm="HS256")


@pytest.fixture
def reader() -> WebhookReader:
    """A reader of that key."""
    return WebhookReader("key", "secret-secret-secret-secret-secret")


def test_a_webhook_is_new_once(reader: WebhookReader) -> None:
    """The same webhook is repeated from the second time on, in every spelling of its token."""
    now = time.time()
    token = signed(1, now + 300)
    repeated = [
        reader.read(text, BODY).is_repeated
        for text in (token, token, f"Bearer {token}", f"{token}=", f"{token}==\t")
    ]
    assert repeated == [False, True, True, True, True]
    assert reader.read(signed(2, now + 300), BODY).is_repeated is False


def test_it_is_remembered_until_it_expires(reader: WebhookReader) -> None:
    """A webhook is remembered as long as it would be accepted, and then forgotten."""
    now = time.time()
    token = signed(1, now + 300)
    reader.read(token, BODY, now)
    assert reader.read(token, BODY, now + 300 + LEEWAY - 1).is_repeated
    with pytest.raises(WebhookRefused, match="too old"):
        reader.read(token, BODY, now + 300 + LEEWAY + 1)
    reader.read(signed(2, now + 900), BODY, now + 600)
    assert len(reader._read) == 1


def test_memory_is_bounded(reader: WebhookReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number of webhooks the oldest are forgotten."""
    monkeypatch.setattr(webhooks, "MAX_REMEMBERED", 10)
    now = time.time()
    for number in range(50):
        reader.read(signed(number, now + 300), BODY)
    assert len(reader._read) == 10
    assert reader.read(signed(49, now + 300), BODY).is_repeated
