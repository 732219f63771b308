"""Limits on the size and duration of requests, which uvicorn does not have.

The application is called once a request is complete. So a slow client holds a connection and nothing
else, and a request that was cut off never runs. Limits of an incomplete request:

    request line and headers    16 KiB, else 431    10 s, else the connection is dropped
    body                       100 KiB, else 413    30 s, else the connection is dropped

Trailers count as headers. The connection is closed after a refusal.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from agent_runtime.api.http.bodies import MAX_BODY
from agent_runtime.api.http.framing.protocol import TOO_LARGE, FramedProtocol
from agent_runtime.api.http.framing.refusals import RequestRefused
from agent_runtime.api.http.framing.rules import MAX_HEAD, Fault

logger = logging.getLogger(__name__)

# Bytes that a body may take on the wire: a chunk of one byte takes six.
MAX_BODY_ON_WIRE: Final = 8 * MAX_BODY
BODY_TOO_LARGE: Final = Fault(413, f"The body is larger than {MAX_BODY} bytes")


@dataclass(frozen=True, slots=True)
class ReadTimeouts:
    """Seconds that a client has to send request line and headers, to send the body, to read a response."""

    head: float = 10.0
    body: float = 30.0
    response: float = 30.0


class _Awaited(enum.Enum):
    """What the client has to send next, within a timeout."""

    NOTHING = "nothing"
    HEAD = "request line and headers"
    BODY = "body"


class LimitedProtocol(FramedProtocol):
    """The protocol with limits; a subclass may set other timeouts."""

    timeouts: ClassVar[ReadTimeouts] = ReadTimeouts()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._in_body = False
        self._fed = 0  # bytes of the incomplete head or body that the parser has
        self._fed_trailers = 0  # those of incomplete trailers
        self._behind_chunk_size = False  # in front of a chunk's data, or in the trailers
        self._incomplete: tuple[RequestResponseCycle, Any] | None = None
        self._awaited = _Awaited.NOTHING
        self._read_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timeout: a connection that sends nothing is limited as well."""
        super().connection_made(transport)
        self._set_read_timer()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then check the limits."""
        if self.refused:
            self.drop_input(len(data))
            return
        in_head, in_body, behind_chunk_size = self._in_head, self._in_body, self._behind_chunk_size
        self.feed(data)
        if self.refused or self.transport.is_closing():
            return
        # The parser buffers the bytes of an incomplete header or chunk, so they count.
        if in_head and self._in_head:
            self._fed += len(data)
        elif in_body and self._in_body:
            self._fed += len(data)
            if behind_chunk_size and self._behind_chunk_size:
                self._fed_trailers += len(data)
        self._check_incomplete()
        if not self.refused:
            self._set_read_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers."""
        self._incomplete = None
        self._stop_read_timer()
        self.resume_writing()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close the connection when the server stops, unless a complete request is being served."""
        if self._incomplete is not None:
            self.transport.close()
        else:
            super().shutdown()

    # Called by the parser

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head, self._fed = True, 0

    def on_headers_complete(self) -> None:
        """Refuse a request whose headers, or whose announced body, are too large."""
        self._in_head = False
        if self.head_size + len(self.url) > MAX_HEAD:
            self.refuse(TOO_LARGE)
            raise RequestRefused
        if int(self.fields.get(b"content-length", 0)) > MAX_BODY:
            self.refuse(BODY_TOO_LARGE)
            raise RequestRefused
        super().on_headers_complete()
        self._in_body, self._fed, self._fed_trailers = True, 0, 0

    def on_chunk_header(self) -> None:
        """A chunk begins; trailers follow instead when its size is 0."""
        self._behind_chunk_size = True

    def on_body(self, body: bytes) -> None:
        """Collect the body; the limit is small, so reading need not pause."""
        self._behind_chunk_size = False
        if len(self.cycle.body) + len(body) > MAX_BODY:
            self.refuse(BODY_TOO_LARGE)
            raise RequestRefused
        self.cycle.body += body

    def on_message_complete(self) -> None:
        """The request is complete: call the application."""
        self._in_body = self._behind_chunk_size = False
        super().on_message_complete()
        if self._incomplete is not None and not self._incomplete[0].more_body:
            cycle, app = self._incomplete
            self._incomplete = None
            super()._start_asgi_task(cycle, app)

    # Called by uvicorn

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if not cycle.more_body:
            super()._start_asgi_task(cycle, app)
            return
        self._incomplete = (cycle, app)
        if cycle.waiting_for_100_continue:
            cycle.waiting_for_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def refuse(self, fault: Fault) -> None:
        """Refuse the request; no timeout of reading runs any more."""
        self._stop_read_timer()
        super().refuse(fault)

    def withdraw_request(self) -> bool:
        """Forget the request that is being read; returns whether earlier ones await their answers."""
        if self._incomplete is not None:
            self._incomplete = None
            return False
        return super().withdraw_request()

    def pause_writing(self) -> None:
        """The client does not read its response: start the timeout."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.timeouts.response, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, also one whose client does not read the rest of a response."""
        super().timeout_keep_alive_handler()
        if self.transport.get_write_buffer_size():
            self.loop.call_later(self.timeouts.response, self.transport.abort)

    # Our own

    def _check_incomplete(self) -> None:
        if self._in_head:
            if self._fed > MAX_HEAD:
                self.refuse(TOO_LARGE)
            else:
                self.fail_on_old_version()
        elif self._in_body:
            if self._fed > MAX_BODY_ON_WIRE:
                self.refuse(BODY_TOO_LARGE)
            elif self._fed_trailers > MAX_HEAD:
                self.refuse(TOO_LARGE)

    def _set_read_timer(self) -> None:
        awaited = self._now_awaited()
        if awaited is self._awaited:
            return  # the running timer continues: a byte now and then gains no time
        self._stop_read_timer()
        self._awaited = awaited
        if awaited is not _Awaited.NOTHING:
            timeouts = self.timeouts
            seconds = timeouts.head if awaited is _Awaited.HEAD else timeouts.body
            self._read_timer = self.loop.call_later(seconds, self._drop)

    def _now_awaited(self) -> _Awaited:
        if self._in_body:
            return _Awaited.BODY
        # While a response is being sent, the next request may arrive in pieces; it is awaited after
        # that.
        between_requests = self.cycle is None or self.cycle.response_complete
        return _Awaited.HEAD if between_requests else _Awaited.NOTHING

    def _stop_read_timer(self) -> None:
        self._awaited = _Awaited.NOTHING
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _drop(self) -> None:
        logger.info(
            "client too slow", extra={"awaited": self._awaited.value, "client": self.client}
        )
        self.transport.abort()
