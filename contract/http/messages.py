"""Requests and answers as they went over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

Headers = tuple[tuple[str, str], ...]
HEADER_CHARSET: Final = "latin-1"  # header bytes survive a round trip through it unchanged


@dataclass(frozen=True, slots=True)
class Request:
    """A request by its exact bytes; only Host is set anew for each target.

    `target` is the request line's path with its query, `body` whatever follows the head (framing
    of a chunked body included).
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
        """What follows the first question mark."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the letter case of its name."""
        return first_header(self.headers, name)

    def with_header(self, name: str, value: str | None) -> Request:
        """The same request with one header replaced, added, or (None) removed."""
        kept = tuple(item for item in self.headers if item[0].lower() != name.lower())
        return replace(self, headers=kept if value is None else (*kept, (name, value)))

    def raw(self, host: str) -> bytes:
        """The bytes to send."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers if name.lower() != "host"]
        return "\r\n".join([*lines, "", ""]).encode(HEADER_CHARSET) + self.body


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that a service asked of LiveKit while it worked on a request.

    `call` is the method's name (`CreateDispatch`), `body` its request as canonical JSON text.
    """

    call: str
    body: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `sent` and `received` are seconds since the epoch by the gate's clock."""

    status: int
    headers: Headers
    body: bytes
    sent: float = 0.0
    received: float = 0.0
    effects: tuple[Effect, ...] = field(default=())

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the letter case of its name."""
        return first_header(self.headers, name)

    @property
    def text(self) -> str:
        """The body as UTF-8; bytes that are not are shown as escapes."""
        return self.body.decode("utf-8", "backslashreplace")


def first_header(headers: Sequence[tuple[str, str]], name: str) -> str | None:
    """The first value of a header, whatever the letter case of its name."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)
