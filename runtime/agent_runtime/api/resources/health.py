"""For probes: the process itself, and all that it depends on."""

from __future__ import annotations

from datetime import UTC, datetime

from falcon.asgi import Request, Response

from agent_runtime.api.http.allowed_methods import Resource
from agent_runtime.api.http.responses import answer, timestamp
from agent_runtime.application.agent_runtime import AgentRuntime
from agent_runtime.domain.errors import LiveKitUnavailable, StoreUnavailable


class Health(Resource):
    """Serves /health."""

    async def on_get(self, _req: Request, resp: Response) -> None:
        """The process answers; nothing else is looked at."""
        answer(resp, {"status": "healthy", "timestamp": timestamp(datetime.now(UTC))})

    on_head = on_get


class Readiness(Resource):
    """Serves /ready."""

    def __init__(self, runtime: AgentRuntime) -> None:
        self._runtime = runtime

    async def on_get(self, _req: Request, resp: Response) -> None:
        """Whether database, migrations and LiveKit are there; 503 with the reason when not."""
        try:
            await self._runtime.check_ready()
        except (StoreUnavailable, LiveKitUnavailable) as error:
            answer(resp, {"status": "not ready", "reason": str(error)}, 503)
        else:
            answer(resp, {"status": "ready", "timestamp": timestamp(datetime.now(UTC))})

    on_head = on_get
