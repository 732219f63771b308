"""Probes: liveness of the process, readiness of its dependencies."""

from __future__ import annotations

from datetime import UTC, datetime

from falcon.asgi import Request, Response

from agent_runtime.api.http.allowed_methods import Resource
from agent_runtime.api.http.responses import respond, timestamp
from agent_runtime.application.agent_runtime import AgentRuntime
from agent_runtime.domain.errors import LiveKitUnavailable, StoreUnavailable


class Health(Resource):
    """Serves /health."""

    async def on_get(self, _req: Request, resp: Response) -> None:
        """Respond with 200: the process is alive. Checks nothing else."""
        respond(resp, {"status": "healthy", "timestamp": timestamp(datetime.now(UTC))})

    on_head = on_get


class Readiness(Resource):
    """Serves /ready."""

    def __init__(self, runtime: AgentRuntime) -> None:
        self._runtime = runtime

    async def on_get(self, _req: Request, resp: Response) -> None:
        """Respond with 200 when database, migrations and LiveKit are usable, else 503 and the reason."""
        try:
            await self._runtime.check_ready()
        except (StoreUnavailable, LiveKitUnavailable) as error:
            respond(resp, {"status": "not ready", "reason": str(error)}, 503)
        else:
            respond(resp, {"status": "ready", "timestamp": timestamp(datetime.now(UTC))})

    on_head = on_get
