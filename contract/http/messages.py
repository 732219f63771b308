"""Requests and answers as they went over the wire."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

Headers = tuple[tuple[str, str], ...]
HEADER_CHARSET: Final = "latin-1"  # decodes and encodes every header byte without loss
# The key in recorded requests; each target replaces it with its own key at replay.
RECORDED_KEY: Final = "key-of-the-recording"
_CHUNK_SIZE: Final = re.compile(rb"(?:\A|\r\n)[0-9a-fA-F]+\r\n")


@dataclass(frozen=True, slots=True)
class Request:
    """A request by its exact bytes; only the Host header is set anew for each target.

    `target` is the path of the request line with its query; `body` is everything after the head,
    with the framing of a chunked body.
    """

    method: str
    target: str
    headers: Headers
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The part of the target after its first question mark."""
        return self.target.partition("?")[2]

    @property
    def content(self) -> bytes:
        """The body without the framing of its chunks."""
        if (self.header("transfer-encoding") or "").lower() != "chunked":
            return self.body
        return b"".join(_CHUNK_SIZE.split(self.body)).removesuffix(b"\r\n")

    def header(self, name: str) -> str | None:
        """The first value of a header; the letter case of the name does not matter."""
        return first_header(self.headers, name)

    def with_header(self, name: str, value: str | None) -> Request:
        """The same request with one header replaced, added, or (None) removed."""
        kept = tuple(item for item in self.headers if item[0].lower() != name.lower())
        return replace(self, headers=kept if value is None else (*kept, (name, value)))

    def with_body(self, body: bytes) -> Request:
        """The same request with another body and its Content-Length."""
        return replace(self, body=body).with_header("Content-Length", str(len(body)))

    def raw(self, host: str) -> bytes:
        """The bytes to send."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers if name.lower() != "host"]
        return "\r\n".join([*lines, "", ""]).encode(HEADER_CHARSET) + self.body


@dataclass(frozen=True, slots=True)
class Effect:
    """A side effect: one call that a service made to its peer while it handled a request.

    `call` is the method's name (`CreateDispatch`), `body` its request as canonical JSON text.
    """

    call: str
    body: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; `sent` and `received` are seconds since the epoch by the gate's clock."""

    status: int
    headers: Headers
    body: bytes
    sent: float = 0.0
    received: float = 0.0
    effects: tuple[Effect, ...] = field(default=())

    def header(self, name: str) -> str | None:
        """The first value of a header; the letter case of the name does not matter."""
        return first_header(self.headers, name)

    @property
    def text(self) -> str:
        """The body as UTF-8; other bytes appear as escapes."""
        return self.body.decode("utf-8", "backslashreplace")


def first_header(headers: Sequence[tuple[str, str]], name: str) -> str | None:
    """The first value of a header; the letter case of the name does not matter."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)
