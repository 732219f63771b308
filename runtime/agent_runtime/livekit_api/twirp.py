"""LiveKit's server API: Twirp with JSON bodies, signed with the server's key.

Twirp's wire protocol, version 7: POST /twirp/<package>.<Service>/<Method>; an error is a JSON object
{"code", "msg"} with a status other than 200. Tokens: JWT (RFC 7519) with HMAC-SHA256, the grants in
`video` as LiveKit's "Access tokens" page has them.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any, Final

import orjson

from agent_runtime.domain.errors import LiveKitUnavailable, NotFound
from agent_runtime.livekit_api.http_client import HttpClient

# Seconds for which a request's token is valid, before and after now: the clocks may differ that much.
TOKEN_SECONDS: Final = 60
OK: Final = 200
NOT_FOUND: Final = "not_found"
_HEADER: Final = b'{"alg":"HS256","typ":"JWT"}'


class NotThereError(NotFound):
    """Raised when LiveKit has no such room, participant or dispatch: it is gone, or never was."""

    remedy = "list the room again"


class Twirp:
    """Calls LiveKit's server API. Every failure other than "not found" is LiveKitUnavailable."""

    def __init__(self, url: str, api_key: str, api_secret: str, timeout: float) -> None:
        self._http = HttpClient(url)
        self._api_key = api_key
        self._api_secret = api_secret.encode()
        self._timeout = timeout

    async def call(
        self, method: str, request: Mapping[str, Any], *, room: str | None = None
    ) -> dict[str, Any]:
        """Call `Service/Method` and return its response, keys as in LiveKit's protocol definition.

        `room` is the one that the token may administer. Raises NotThereError, LiveKitUnavailable.
        """
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self._token(room)}",
        }
        where = self._http.where
        try:
            async with asyncio.timeout(self._timeout):
                status, body = await self._http.post(
                    f"/twirp/livekit.{method}", headers, orjson.dumps(request)
                )
        except TimeoutError as error:
            why = f"LiveKit at {where} did not answer within {self._timeout} s"
            raise LiveKitUnavailable(why) from error
        except OSError as error:
            raise LiveKitUnavailable(f"LiveKit at {where} is not reachable: {error}") from error
        answer = _parse(body)
        if status == OK and answer is not None:
            return answer
        code, words = (answer or {}).get("code"), (answer or {}).get("msg")
        if code == NOT_FOUND:
            raise NotThereError(words)
        raise LiveKitUnavailable(
            f"LiveKit at {where} refused {method}: {words or code or f'status {status}'}"
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def _token(self, room: str | None) -> str:
        now = int(time.time())
        grants: dict[str, Any] = {"roomCreate": True, "roomList": True, "roomAdmin": True}
        if room is not None:
            grants["room"] = room
        claims = {
            "iss": self._api_key,
            "nbf": now - TOKEN_SECONDS,
            "exp": now + TOKEN_SECONDS,
            "video": grants,
        }
        signed = b".".join((_base64(_HEADER), _base64(orjson.dumps(claims))))
        signature = hmac.digest(self._api_secret, signed, hashlib.sha256)
        return b".".join((signed, _base64(signature))).decode()


def _parse(body: bytes) -> dict[str, Any] | None:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
