"""Receives LiveKit's webhooks about its rooms."""

from __future__ import annotations

import logging
from collections.abc import Callable

from falcon import HTTPUnauthorized
from falcon.asgi import Request, Response

from agent_runtime.api.http.allowed_methods import Resource
from agent_runtime.api.http.responses import respond
from agent_runtime.livekit_api.webhooks import Webhook

logger = logging.getLogger(__name__)

ReadWebhook = Callable[[str, bytes], Webhook]


class Webhooks(Resource):
    """Serves /livekit/webhook.

    An event only makes the session supervisor act at once, on what it reads then. So an event that is
    lost, late or delivered twice changes nothing in the end.
    """

    def __init__(self, read: ReadWebhook, nudge: Callable[[], None]) -> None:
        self._read = read
        self._nudge = nudge

    async def on_post(self, req: Request, resp: Response) -> None:
        """Check the signature and nudge the supervisor."""
        try:
            webhook = self._read(req.auth or "", await req.stream.read())
        except ValueError as error:
            raise HTTPUnauthorized(description=str(error), challenges=["Bearer"]) from error
        logger.debug("webhook", extra={"event": webhook.event.get("event")})
        # LiveKit sends a webhook again when our response is lost; what it changes was done the first time.
        if not webhook.is_repeated:
            self._nudge()
        respond(resp, {"success": True})
