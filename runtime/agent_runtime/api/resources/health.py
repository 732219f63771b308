"""Probes: liveness of the process, readiness of its dependencies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from falcon.asgi import Request, Response

from agent_runtime.api.http.allowed_methods import Resource
from agent_runtime.api.http.responses import respond, timestamp
from agent_runtime.application.agent_runtime import AgentRuntime


class Health(Resource):
    """Serves /health."""

    async def on_get(self, _req: Request, resp: Response) -> None:
        """Respond with 200: the process is alive. Checks nothing else."""
        respond(resp, {"status": "healthy", "timestamp": timestamp(datetime.now(UTC))})

    on_head = on_get


class Readiness(Resource):
    """Serves /ready."""

    def __init__(
        self, runtime: AgentRuntime, may_see_reasons: Callable[[Request], Awaitable[bool]]
    ) -> None:
        self._runtime = runtime
        self._may_see_reasons = may_see_reasons

    async def on_get(self, req: Request, resp: Response) -> None:
        """Respond with 200 when database, migrations and LiveKit are usable, else 503 and the reason.

        Without a key that may see it the reason only names the part: an error holds names of hosts and
        users.
        """
        problems = await self._runtime.not_ready()
        if not problems:
            respond(resp, {"status": "ready", "timestamp": timestamp(datetime.now(UTC))})
            return
        if await self._may_see_reasons(req):
            reason = "; ".join(problems.values())
        else:
            reason = "; ".join(f"{part} is not available" for part in problems)
        respond(resp, {"status": "not ready", "reason": reason}, 503)

    on_head = on_get
