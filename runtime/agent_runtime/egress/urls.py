"""Reads a URL into its parts, so that every client calls the host that was judged.

Clients disagree on unusual spellings (user information, backslashes, numbers as hosts), so this accepts the
usual spelling only, and each client gets the URL that is put together again here.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from agent_runtime.domain.errors import InvalidInput
from agent_runtime.egress.addresses import Address

# Characters of a URL, at most; what proxies and servers take without a setting.
LONGEST: Final = 2048
PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}
ENCRYPTED: Final = frozenset({"https", "wss"})

_URL: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?P<rest>[?#].*)?",
    re.IGNORECASE,
)
_AUTHORITY: Final = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# A last label of this form makes the whole host a number for some clients (WHATWG URL, "ends in a number").
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Visible ASCII without the backslash, which browsers and some clients take for a slash.
_VISIBLE: Final = re.compile(r"[!-\[\]-~]*")


class EgressRefused(InvalidInput):
    """Raised for an address that the runtime may not call; the message has the remedy and no secret."""

    remedy = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in its one usual spelling: letters of scheme and host are small, IPv6 has no brackets."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def url(self) -> str:
        """The URL as clients take it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def literal(self) -> Address | None:
        """The IP address that is written in place of a host name."""
        if ":" in self.host:
            return IPv6Address(self.host)
        return IPv4Address(self.host) if _ends_in_number(self.host) else None

    @property
    def is_encrypted(self) -> bool:
        """Whether it is called over TLS."""
        return self.scheme in ENCRYPTED


def read(url: str, schemes: Collection[str] = ("https", "http"), *, path: str = "") -> Target:
    """The parts of a URL of one of these schemes. Blanks around it do not count.

    `path` is completed when the URL has only its beginning, or none. Raises EgressRefused.
    """
    text = _ascii_text(url.strip())
    found = _URL.fullmatch(text)
    if found is None or found["scheme"].lower() not in schemes:
        raise EgressRefused(
            "must be a URL with a host, such as https://llm.example.org/v1; http:// is for hosts that "
            "EGRESS_ALLOW names"
        )
    if "@" in found["authority"]:
        raise EgressRefused("must not have a user name or password in it; use apiKey")
    if found["rest"]:
        raise EgressRefused("must not have a query (?) or a fragment (#); leave it out")
    scheme = found["scheme"].lower()
    host, port = read_authority(found["authority"])
    given = (found["path"] or "").rstrip("/")
    complete = path if path.startswith(f"{given}/") else given
    return Target(scheme, host, PORTS[scheme] if port is None else port, complete)


def read_authority(text: str) -> tuple[str, int | None]:
    """Host and port of HOST or HOST:PORT, an IPv6 address in brackets. Raises EgressRefused."""
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        raise EgressRefused("must have a host, and may have a port from 1 to 65535 after a colon")
    port = None if found["port"] is None else int(found["port"])
    if port is not None and not 1 <= port <= 65535:
        raise EgressRefused("must have a port from 1 to 65535")
    return _host(found["host"]), port


def _ascii_text(text: str) -> str:
    """The URL with an international host name in its ASCII form (IDNA). Raises EgressRefused."""
    if len(text) > LONGEST:
        raise EgressRefused(f"must have at most {LONGEST} characters")
    if not text.isascii():
        start, separator, rest = text.partition("://")
        end = re.search(r"[/?#]", rest)
        authority, path = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
        text = f"{start}{separator}{_idna(authority)}{path}"
    if not _VISIBLE.fullmatch(text):
        raise EgressRefused(
            "must not have blanks, control characters, backslashes or, in its path, letters beyond "
            "ASCII; write them as %XX"
        )
    return text


def _idna(authority: str) -> str:
    if authority.isascii():
        return authority
    host, colon, port = authority.partition(":")
    try:
        return f"{host.encode('idna').decode('ascii')}{colon}{port}"
    except UnicodeError:
        raise EgressRefused("must have a host name that DNS can hold") from None


def _host(text: str) -> str:
    if text.startswith("["):
        try:
            # Without a zone (%eth0), which `ipaddress` would take.
            return IPv6Address(text[1:-1].replace("%", "!")).compressed
        except ValueError:
            raise EgressRefused("must have an IPv6 address without a zone in [ ]") from None
    host = text.lower().removesuffix(".")
    if not host or len(host) > 253 or not all(map(_LABEL.fullmatch, host.split("."))):
        raise EgressRefused("must have a host name or an IP address after ://")
    if _ends_in_number(host):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise EgressRefused(
                "must have an IPv4 address as four decimal numbers, such as 192.0.2.1"
            ) from None
    return host


def _ends_in_number(host: str) -> bool:
    return _NUMBER.fullmatch(host.rpartition(".")[2]) is not None
