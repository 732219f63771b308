"""Answers a request that is refused before the application sees it, and closes the connection."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from agent_runtime.api.http.framing.rules import Fault
from agent_runtime.api.http.responses import JSON
from agent_runtime.domain.errors import InvalidInput

logger = logging.getLogger(__name__)

# Seconds, and bytes, for which input after a refusal is read and dropped. A client that is still
# sending must receive our response, which a closed socket may discard.
LINGER: Final = 1.0
MAX_LINGERING: Final = 1024 * 1024


class RequestRefused(InvalidInput):
    """Raised to stop the parser after a refusal; it never leaves the protocol."""

    remedy = "send what the response asks for"


class RefusingProtocol(HttpToolsProtocol):
    """uvicorn's protocol that refuses in the API's own form, after the responses that come first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refused = False
        self._unsent: bytes | None = None  # the refusal, while earlier requests are being answered
        self._dropped = 0
        self._linger_timer: asyncio.TimerHandle | None = None

    def refuse(self, fault: Fault) -> None:
        """Respond with `fault` once all earlier requests are answered, and read no further request."""
        if self.refused:
            return
        logger.info("request refused", extra={"status": fault.status, "client": self.client})
        self.refused = True
        earlier = self.withdraw_request()
        body = orjson.dumps({"error": fault.message})
        allow = "allow: \r\n" if fault.status == 405 else ""
        head = f"content-type: {JSON}\r\ncontent-length: {len(body)}\r\n{allow}connection: close\r\n\r\n"
        if self.is_head_request():
            body = b""
        response = STATUS_LINE[fault.status] + head.encode() + body
        if earlier:
            self._unsent = response
        else:
            self._send_refusal(response)

    def send_400_response(self, msg: str) -> None:
        """The parser failed, or one of our own refusals stopped it."""
        self.refuse(Fault(400, msg))

    def withdraw_request(self) -> bool:
        """Forget the request that is being read; returns whether earlier ones await their answers."""
        cycle = self.cycle
        if self.pipeline and self.pipeline[0][0] is cycle and cycle.more_body:
            self.pipeline.popleft()
            return True
        return cycle is not None and not cycle.response_complete

    def is_head_request(self) -> bool:
        """Whether the request that is being read is a HEAD, whose response has no body."""
        # The parser knows the method once it has reported a part of the target.
        return bool(getattr(self, "url", b"")) and self.parser.get_method() == b"HEAD"

    def drop_input(self, size: int) -> None:
        """Count what arrives after a refusal; more than a mebibyte ends the connection."""
        self._dropped += size
        if self._dropped > MAX_LINGERING:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """Send the refusal when this was the last earlier request."""
        last = not self.pipeline
        super().on_response_complete()
        if last and self._unsent is not None and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._send_refusal(self._unsent)
            self._unsent = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        if self._linger_timer is not None:
            self._linger_timer.cancel()
        super().connection_lost(exc)

    def _send_refusal(self, response: bytes) -> None:
        self.transport.write(response)
        self.transport.write_eof()
        self._linger_timer = self.loop.call_later(LINGER, self.transport.abort)
