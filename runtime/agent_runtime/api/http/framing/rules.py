"""What makes the head of a request faulty: version, target, Host, Transfer-Encoding, Expect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# Bytes of request line, headers and trailers together; the limit of Node.js itself.
MAX_HEAD: Final = 16 * 1024
# Lines of headers and trailers together; Apache's limit. Clients of this API send about ten.
MAX_LINES: Final = 100

# Fields of which the first line counts and the others are dropped, as in Node.js (http.IncomingMessage,
# message.headers). Content-Length is not among them: the parser refuses a second one.
FIRST_COUNTS: Final = frozenset(
    {
        b"age",
        b"authorization",
        b"content-type",
        b"etag",
        b"expires",
        b"from",
        b"if-modified-since",
        b"if-unmodified-since",
        b"last-modified",
        b"max-forwards",
        b"proxy-authorization",
        b"referer",
        b"retry-after",
        b"user-agent",
    }
)
# Fields whose values decide on the framing.
FRAMING: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect"})
WATCHED: Final = FIRST_COUNTS | FRAMING

# RFC 3986, section 3.2.2 and 3.2.3: a name, an IPv4 address, or an IP literal in brackets; a port.
_AUTHORITY: Final = (
    rb"(?:\[[0-9A-Za-z:.~_!$&'()*+,;=%-]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?"
)
_HOST: Final = re.compile(_AUTHORITY)
_ABSOLUTE: Final = re.compile(rb"(?i:https?)://(?P<authority>[^/?]+)(?P<path>[^?]*)(?P<query>.*)")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a request is refused, and with which status."""

    status: int
    message: str


def fault_of_version(version: str) -> Fault | None:
    """Refuse all but HTTP/1.x. A higher minor version is read as 1.1 (RFC 9110, section 2.5)."""
    if version.startswith("1."):
        return None
    return Fault(505, f"HTTP/{version} is not supported: send HTTP/1.1")


def fault_of_host(version: str, hosts: int, value: bytes) -> Fault | None:
    """Refuse none in HTTP/1.1, several, and one that is no host (RFC 9112, section 3.2)."""
    if hosts == 0 and version != "1.0":
        return Fault(400, "Host is missing: HTTP/1.1 requires it")
    if hosts > 1:
        return Fault(400, "Host is given more than once")
    if _HOST.fullmatch(value) is None:
        return Fault(400, "Host is not a host name or address with an optional port")
    return None


def fault_of_codings(version: str, value: bytes) -> Fault | None:
    """Refuse every Transfer-Encoding but `chunked` (RFC 9112, section 6.1 and 6.3)."""
    if version == "1.0":
        return Fault(400, "Transfer-Encoding is not part of HTTP/1.0: send Content-Length")
    codings = [coding.strip().lower() for coding in value.split(b",")]
    if codings == [b"chunked"]:
        return None
    if codings[-1] != b"chunked" or codings.count(b"chunked") > 1 or b"" in codings:
        return Fault(400, "Transfer-Encoding must be chunked, once and last")
    return Fault(501, "Transfer-Encoding is supported as chunked only: use Content-Encoding")


def fault_of_expectation(value: bytes) -> Fault | None:
    """Refuse what is not 100-continue, as Node.js does (RFC 9110, section 10.1.1)."""
    if all(one.strip().lower() in (b"100-continue", b"") for one in value.split(b",")):
        return None
    return Fault(417, "Expect is supported as 100-continue only")


def origin_form(method: bytes, target: bytes) -> bytes | Fault:
    """The target as path and query (RFC 9112, section 3.2).

    The authority of an absolute target takes the place of Host, which this API does not use.
    """
    if b"#" in target:
        return Fault(400, "The request target has a fragment (#): send path and query only")
    if target.startswith(b"/"):
        return target
    if method == b"CONNECT":  # its own form of target; the protocol refuses it as a method
        return target
    if target == b"*":
        if method == b"OPTIONS":
            return target
        return Fault(400, "The request target * is for OPTIONS only")
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or _HOST.fullmatch(absolute["authority"]) is None:
        return Fault(400, "The request target is neither a path nor an http or https URL")
    return (absolute["path"] or b"/") + absolute["query"]


def head_without_upgrade(
    method: bytes, target: bytes, version: str, headers: list[tuple[bytes, bytes]]
) -> bytes:
    """The head of a request again, without its offer of an upgrade (RFC 9110, section 7.8)."""
    lines = [b"%b %b HTTP/%b" % (method, target, version.encode())]
    lines += [b"%b: %b" % (name, value) for name, value in headers if name != b"upgrade"]
    return b"\r\n".join([*lines, b"", b""])


def expects_continue(fields: Mapping[bytes, bytes]) -> bool:
    """Whether the client waits for 100 Continue before it sends a body."""
    if b"100-continue" not in fields.get(b"expect", b"").lower():
        return False
    return b"transfer-encoding" in fields or bool(fields.get(b"content-length", b"").strip(b"0"))
