"""Reads LiveKit's webhooks after checking their sender and the integrity of their body.

Protocol (LiveKit's "Webhooks" page): POST with a JSON body; `Authorization` is a JWT (RFC 7519,
HMAC-SHA256 with the API secret), valid for minutes, whose claim `sha256` is the body's SHA-256 in
Base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import Any, Final

import orjson

from agent_runtime.domain.errors import InvalidInput

# Seconds that the clocks of LiveKit and of this machine may differ.
LEEWAY: Final = 10
# Webhooks to remember, of about 100 bytes each; they are valid for five minutes.
MAX_REMEMBERED: Final = 50_000


class WebhookRefused(InvalidInput):
    """Raised for a webhook that is not signed by our LiveKit server, was altered, or has expired."""

    remedy = "give LiveKit's webhook section the key that the runtime has, and set both clocks"


@dataclass(frozen=True, slots=True)
class Webhook:
    """An event of LiveKit's; `is_repeated` when the same webhook was read before."""

    event: dict[str, Any]
    is_repeated: bool


class WebhookReader:
    """Reads webhooks that are signed with our own key."""

    def __init__(self, api_key: str, api_secret: str) -> None:
        self._api_key = api_key
        self._secret = api_secret.encode()
        # When each webhook that was read expires, by its signature; the oldest first.
        self._read: dict[bytes, float] = {}

    def read(self, authorization: str, body: bytes, now: float | None = None) -> Webhook:
        """The event, parsed. Raises WebhookRefused, before the body is parsed.

        `now` is in seconds since the epoch; None stands for the current time.
        """
        signature, claims = self._claims(authorization.removeprefix("Bearer "))
        now = time.time() if now is None else now
        if claims.get("iss") != self._api_key:
            raise WebhookRefused("the webhook is signed with another key")
        if not claims.get("nbf", 0) - LEEWAY <= now <= claims.get("exp", 0) + LEEWAY:
            raise WebhookRefused("the webhook is too old")
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        if not hmac.compare_digest(str(claims.get("sha256", "")), digest):
            raise WebhookRefused("the webhook's body is not the one that was signed")
        event = orjson.loads(body)
        if not isinstance(event, dict):
            raise WebhookRefused("the webhook's body is no event")
        return Webhook(event, is_repeated=self._is_repeated(signature, claims["exp"] + LEEWAY, now))

    def _is_repeated(self, signature: bytes, expires: float, now: float) -> bool:
        """Whether the webhook was read before; remembers it until it expires."""
        if signature in self._read:
            return True
        while self._read and (
            next(iter(self._read.values())) < now or len(self._read) >= MAX_REMEMBERED
        ):
            del self._read[next(iter(self._read))]
        self._read[signature] = expires
        return False

    def _claims(self, token: str) -> tuple[bytes, dict[str, Any]]:
        """The right signature of the token, and its claims."""
        try:
            signed, _, signature = token.encode("ascii").rpartition(b".")
            head, _, claims = signed.partition(b".")
            right = hmac.digest(self._secret, signed, hashlib.sha256)
            if not hmac.compare_digest(_decode(signature), right):
                raise WebhookRefused("the webhook's signature is wrong")
            algorithm, found = orjson.loads(_decode(head)), orjson.loads(_decode(claims))
        except (UnicodeError, binascii.Error, orjson.JSONDecodeError) as error:
            raise WebhookRefused("the webhook's Authorization is no token") from error
        if not isinstance(found, dict) or not isinstance(algorithm, dict):
            raise WebhookRefused("the webhook's Authorization is no token")
        if algorithm.get("alg") != "HS256":
            raise WebhookRefused("the webhook's signature is of another kind than HS256")
        # The computed one: the one that was sent may be spelt in several ways.
        return right, found


def _decode(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
