"""The API key."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from falcon import HTTPRouteNotFound, HTTPUnauthorized
from falcon.asgi import Request, Response


class KeyCheck:
    """Middleware that asks for the key on the given paths and below them; never when it is empty.

    The key comes as `Authorization: Bearer <key>` or bare: the text `Bearer ` is removed wherever
    it first stands, as the Node.js version did it.
    """

    def __init__(self, key: str, paths: Sequence[str]) -> None:
        self._key = key.encode()
        self._paths = frozenset(paths)
        self._below = tuple(f"{path}/" for path in paths)

    async def process_request(self, req: Request, _resp: Response) -> None:
        """Raise HTTPUnauthorized when the request needs the key and does not carry it.

        Raises HTTPRouteNotFound for a path with two leading slashes: the router drops them, so
        that //api/agents would be served although no guarded path begins like that.
        """
        if req.path.startswith("//"):
            raise HTTPRouteNotFound
        if not self._key or not self._guards(req.path):
            return
        # ASGI hands headers over as Latin-1, so this gives back the bytes that were sent.
        given = (req.auth or "").replace("Bearer ", "", 1).encode("latin-1")
        if not hmac.compare_digest(given, self._key):
            raise HTTPUnauthorized(title="Unauthorized", challenges=["Bearer"])

    def _guards(self, path: str) -> bool:
        return path in self._paths or path.startswith(self._below)
