"""How much a client may send, and how long it may take: what uvicorn leaves open.

The application is called once a request is whole, so a slow client holds a connection and nothing
else, and a request that was cut off never runs. What is not whole:

    request line and headers    16 KiB else 431    10 s else dropped
    body                       100 KiB else 413    30 s else dropped

The answers 400 (not HTTP), 413 and 431 are written here; after them the connection closes.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import orjson
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from agent_runtime.api.http.bodies import MAX_BODY
from agent_runtime.api.http.responses import JSON

logger = logging.getLogger(__name__)

MAX_HEAD: Final = 16 * 1024  # bytes; the limit of Node.js itself
# What a body may take on the wire: chunks of one byte each take six.
MAX_BODY_ON_WIRE: Final = 8 * MAX_BODY
# A client that is still sending must find our answer, and a closed socket may throw it away: so
# for this long, and up to this much, what still comes is taken and dropped.
LINGER: Final = 1.0  # seconds
MAX_LINGERING: Final = 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class ReadTimeouts:
    """Seconds that a client has for request line and headers, for the body, to take an answer."""

    head: float = 10.0
    body: float = 30.0
    answer: float = 30.0


class _Owed(enum.Enum):
    """What the client has to send next, with a clock running."""

    NOTHING = "nothing"
    HEAD = "request line and headers"
    BODY = "body"


class _Refused(Exception):
    """Stops the parser; the answer is written already."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol within limits; a subclass may set other times."""

    patience: ClassVar[ReadTimeouts] = ReadTimeouts()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._in_body = False
        self._fed = 0  # bytes of the head or body that the parser is in the middle of
        self._incomplete: tuple[RequestResponseCycle, Any] | None = None
        self._owed = _Owed.NOTHING
        self._clock: asyncio.TimerHandle | None = None
        self._answer_clock: asyncio.TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection that says nothing is on the clock as well."""
        super().connection_made(transport)
        self._set_clock()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then see what the client still owes."""
        if self._refused:
            self._linger(len(data))
            return
        was_in_head, was_in_body = self._in_head, self._in_body
        super().data_received(data)
        if self._refused or self.transport.is_closing():
            return
        # Bytes of a header or a chunk that is not whole: the parser holds them, so they count.
        if was_in_head and self._in_head:
            self._fed += len(data)
            if self._fed > MAX_HEAD:
                self._refuse_head()
        elif was_in_body and self._in_body:
            self._fed += len(data)
            if self._fed > MAX_BODY_ON_WIRE:
                self._refuse_body()
        self._set_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """The clocks stop with the connection."""
        self._incomplete = None
        self._stop_clock()
        self.resume_writing()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """When the server stops, a request that is not whole will not be waited for."""
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
        """Refuse what is too large by its headers alone."""
        self._in_head = False
        size, length = len(self.url), 0
        for name, value in self.headers:
            size += len(name) + len(value) + 4  # ": " and the line's end
            if name == b"content-length":
                length = int(value)
        if size > MAX_HEAD:
            self._refuse_head()
            raise _Refused
        if length > MAX_BODY:
            self._refuse_body()
            raise _Refused
        self._in_body, self._fed = True, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Collect the body; the limit is small, so reading need not pause."""
        if len(self.cycle.body) + len(body) > MAX_BODY:
            self._refuse_body()
            raise _Refused
        self.cycle.body += body

    def on_message_complete(self) -> None:
        """The request is whole: now the application is called."""
        self._in_body = False
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

    def send_400_response(self, msg: str) -> None:
        """The parser gave up, or one of our own refusals stopped it."""
        self._refuse(400, msg)

    def pause_writing(self) -> None:
        """The client does not take its answer."""
        super().pause_writing()
        self._answer_clock = self.loop.call_later(self.patience.answer, self.transport.abort)

    def resume_writing(self) -> None:
        """The client takes it again."""
        super().resume_writing()
        if self._answer_clock is not None:
            self._answer_clock.cancel()
            self._answer_clock = None

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, with whatever the client does not take."""
        super().timeout_keep_alive_handler()
        if self.transport.get_write_buffer_size():
            self.loop.call_later(self.patience.answer, self.transport.abort)

    # Our own

    def _set_clock(self) -> None:
        owed = self._now_owed()
        if owed is self._owed:
            return  # the clock that runs goes on: sending a byte now and then wins nothing
        self._stop_clock()
        self._owed = owed
        if owed is not _Owed.NOTHING:
            patience = self.patience.head if owed is _Owed.HEAD else self.patience.body
            self._clock = self.loop.call_later(patience, self._drop)

    def _now_owed(self) -> _Owed:
        if self._in_body:
            return _Owed.BODY
        # While an answer is on its way a next request may come in pieces; it is owed after that.
        between_requests = self.cycle is None or self.cycle.response_complete
        return _Owed.HEAD if between_requests else _Owed.NOTHING

    def _stop_clock(self) -> None:
        self._owed = _Owed.NOTHING
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _drop(self) -> None:
        logger.info("client too slow", extra={"awaited": self._owed.value, "client": self.client})
        self.transport.abort()

    def _refuse_head(self) -> None:
        self._refuse(431, f"The request line and headers are larger than {MAX_HEAD} bytes")

    def _refuse_body(self) -> None:
        self._refuse(413, f"The body is larger than {MAX_BODY} bytes")

    def _refuse(self, status: int, message: str) -> None:
        if self._refused:
            return
        logger.info("request refused", extra={"status": status, "client": self.client})
        answering = self.cycle is not None and not self.cycle.response_complete
        self._refused, self._fed = True, 0
        self._stop_clock()
        if answering and self._incomplete is None:
            # An earlier request of this connection is still being answered; two answers would mix.
            self.transport.close()
            return
        self._incomplete = None
        body = orjson.dumps({"error": message})
        head = f"content-type: {JSON}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head.encode() + body)
        self.transport.write_eof()
        self._clock = self.loop.call_later(LINGER, self.transport.abort)

    def _linger(self, size: int) -> None:
        self._fed += size
        if self._fed > MAX_LINGERING:
            self.transport.abort()
