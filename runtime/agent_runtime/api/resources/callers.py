"""Callers: erase what is stored of one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from falcon.asgi import Request, Response

from agent_runtime.api.http.allowed_methods import Resource
from agent_runtime.api.http.bodies import json_object
from agent_runtime.api.http.requests import EraseBody
from agent_runtime.api.http.responses import respond
from agent_runtime.domain.callers.erasure import Erasure

# Erases the caller of an identity; with true it only counts.
EraseCaller = Callable[[str, bool], Awaitable[Erasure]]


class CallerErasure(Resource):
    """Serves /api/callers/erase. The identity is in the body, since paths stand in access logs."""

    def __init__(self, erase: EraseCaller) -> None:
        self._erase = erase

    async def on_post(self, req: Request, resp: Response) -> None:
        """Erase the caller, and respond with the rows found and those that a second search found."""
        body = EraseBody.of(await json_object(req))
        done = await self._erase(body.identity, body.dry_run)
        respond(
            resp,
            {
                "success": True,
                "erased": done.erased,
                "found": dict(done.found),
                "remaining": dict(done.remaining),
            },
        )
