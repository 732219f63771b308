"""Checks the API key."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from falcon import HTTPRouteNotFound, HTTPUnauthorized
from falcon.asgi import Request, Response

from agent_runtime.api.http.framing.paths import keep_encoded_slashes


class KeyCheck:
    """Middleware that requires the key on `paths` and below them; an empty key requires nothing.

    The key comes as `Authorization: Bearer <key>` or bare. The first `Bearer ` is removed wherever it
    stands in the header, as in the Node.js version.
    """

    def __init__(self, key: str, paths: Sequence[str]) -> None:
        self._key = key.encode()
        self._paths = frozenset(paths)
        self._below = tuple(f"{path}/" for path in paths)

    async def process_request(self, req: Request, _resp: Response) -> None:
        """Raise HTTPUnauthorized when the request needs the key and does not carry it.

        Raises HTTPRouteNotFound for a path with two leading slashes: the router drops one of them, so
        it would serve //api/agents, which is below none of the protected paths. An encoded slash is no
        slash of the path, neither here nor for the router.
        """
        keep_encoded_slashes(req)
        if req.path.startswith("//"):
            raise HTTPRouteNotFound
        if self._needs_key(req.path) and not self.has_key(req):
            raise HTTPUnauthorized(title="Unauthorized", challenges=["Bearer"])

    def has_key(self, req: Request) -> bool:
        """Whether the request carries the key, or none is configured."""
        if not self._key:
            return True
        # ASGI decodes headers as Latin-1, so encoding restores the bytes that were sent.
        given = (req.auth or "").replace("Bearer ", "", 1).encode("latin-1")
        return hmac.compare_digest(given, self._key)

    def _needs_key(self, path: str) -> bool:
        return path in self._paths or path.startswith(self._below)
