"""Decides what a request is: offers of an upgrade, trailers, versions, Host, duplicate fields."""

from __future__ import annotations

from typing import Any, Final

import httptools

from agent_runtime.api.http.framing.refusals import RefusingProtocol, RequestRefused
from agent_runtime.api.http.framing.rules import (
    FIRST_COUNTS,
    MAX_HEAD,
    MAX_LINES,
    WATCHED,
    Fault,
    expects_continue,
    fault_of_codings,
    fault_of_expectation,
    fault_of_host,
    fault_of_version,
    head_without_upgrade,
    origin_form,
)

TOO_LARGE: Final = Fault(431, f"The request line and headers are larger than {MAX_HEAD} bytes")
CONNECT: Final = Fault(405, "CONNECT is for proxies, and this is none")
TOO_MANY: Final = Fault(431, f"The request has more than {MAX_LINES} lines of headers and trailers")


class FramedProtocol(RefusingProtocol):
    """uvicorn's protocol with the rules of this package; the checks ride on the parser's callbacks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._set_leniencies()
        self.head_size = 0  # bytes of target, headers and trailers
        self._lines = 0
        self._hosts = 0
        self._valid_host: bytes | None = None  # of the last request
        self.fields: dict[bytes, bytes] = {}  # those in WATCHED
        self._head_complete = False
        self._offered_upgrade = False
        self._closing = False  # the last request of this connection is complete

    def feed(self, data: bytes) -> None:
        """Parse `data`.

        The parser stops behind a head that offers an upgrade and takes what follows for the other
        protocol. Another parser goes on there: it is given the same head without the offer, so that
        a body is read as a body.
        """
        rest: bytes | memoryview = data
        self._unset_keepalive_if_required()
        while not self._closing:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as offer:
                rest = memoryview(rest)[offer.args[0] :]
                if not self._parse_again():
                    return
            except httptools.HttpParserError as error:
                self._fail(error)
                return
            else:
                return

    def fail_on_old_version(self) -> None:
        """Refuse a request line without a version at once; the parser would wait for headers."""
        if self.url and not self._head_complete and self.parser.get_http_version() == "0.9":
            self.refuse(Fault(505, "HTTP/0.9 is not supported: send HTTP/1.1"))

    # Called by the parser

    def on_message_begin(self) -> None:
        """A request begins, unless the connection closes after the one before (RFC 9112, 9.6)."""
        if self._closing:
            raise RequestRefused
        super().on_message_begin()
        self.head_size = self._lines = self._hosts = 0
        self.fields = {}
        self._head_complete = self._offered_upgrade = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header; count a trailer and drop it (RFC 9110, section 6.5.1)."""
        self.head_size += len(name) + len(value) + 4  # ": " and the end of the line
        self._lines += 1
        if self._lines > MAX_LINES:
            self._refuse_and_stop(TOO_MANY)
        if self._head_complete:
            if self.head_size > MAX_HEAD:
                self._refuse_and_stop(TOO_LARGE)
            return
        name = name.lower()
        value = value.rstrip(b" \t")
        if name in WATCHED:
            fields = self.fields
            if name == b"host":
                self._hosts += 1
            if name not in fields:
                fields[name] = value
            elif name in FIRST_COUNTS:
                return
            else:
                fields[name] += b"," + value
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Check the head; a request that offers an upgrade is parsed again without the offer."""
        version = self.parser.get_http_version()
        method = self.parser.get_method()
        self._check(version, method)
        self._head_complete = True
        if self.parser.should_upgrade():
            if method == b"CONNECT":
                self._refuse_and_stop(CONNECT)
            self._offered_upgrade = True
            return
        if b"expect" in self.fields:
            self.expect_100_continue = version != "1.0" and expects_continue(self.fields)
        super().on_headers_complete()
        if version > "1.1":
            self.scope["http_version"] = "1.1"

    def on_message_complete(self) -> None:
        """The request is complete, unless only its head was read before the parser stopped."""
        if self._offered_upgrade:
            return
        self._closing = not self.cycle.keep_alive
        super().on_message_complete()

    # Our own

    def _check(self, version: str, method: bytes) -> None:
        fields, url = self.fields, self.url
        host = fields.get(b"host", b"")
        # Most requests are HTTP/1.1 for the same host as the one before, and name a path.
        if version != "1.1" or self._hosts != 1 or host != self._valid_host:
            self._refuse_and_stop(fault_of_version(version))
            self._refuse_and_stop(fault_of_host(version, self._hosts, host))
            self._valid_host = host
        if b"transfer-encoding" in fields:
            self._refuse_and_stop(fault_of_codings(version, fields[b"transfer-encoding"]))
        if b"expect" in fields and version != "1.0":
            self._refuse_and_stop(fault_of_expectation(fields[b"expect"]))
        if b"#" in url or not url.startswith(b"/"):
            target = origin_form(method, url)
            if isinstance(target, Fault):
                self._refuse_and_stop(target)
            else:
                self.url = target

    def _refuse_and_stop(self, fault: Fault | None) -> None:
        if fault is not None:
            self.refuse(fault)
            raise RequestRefused

    def _fail(self, error: httptools.HttpParserError) -> None:
        if self._closing:
            return
        if "PRI" in str(error):  # the preface of HTTP/2
            self.refuse(Fault(505, "HTTP/2.0 is not supported: send HTTP/1.1"))
        else:
            self.send_400_response(f"The request is not HTTP/1.1: {error}")

    def _set_leniencies(self) -> None:
        # Versions are judged here, with a status of their own. Data after the last request is dropped
        # here as well; the parser would fail on it, and the response might be lost.
        self.parser.set_dangerous_leniencies(lenient_version=True, lenient_data_after_close=True)

    def _parse_again(self) -> bool:
        """Give the head without its offer to another parser; False when that refused it."""
        version, method = self.parser.get_http_version(), self.parser.get_method()
        head = head_without_upgrade(method, self.url, version, self.headers)
        self.parser = httptools.HttpRequestParser(self)
        self._set_leniencies()
        try:
            self.parser.feed_data(head)
        except httptools.HttpParserError as error:
            self._fail(error)
            return False
        return True
