"""Addresses to listen on: who reaches one, its socket, and the URL by which this machine finds it."""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

# Where a service listens that has no key and no address of its own: only this machine reaches it.
LOOPBACK: Final = "127.0.0.1"
# Every interface: a container publishes the port it wants.
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`. A name other than localhost is not looked up: no."""
    if host.lower().rstrip(".") == "localhost":
        return True
    address = _literal(host)
    return address is not None and address.is_loopback


def listening_socket(host: str, port: int, backlog: int) -> socket.socket:
    """A listening socket; `::` is every interface for IPv6 and IPv4. Raises OSError."""
    host = _without_brackets(host)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    # The first IPv4 address of a name: most clients of localhost try it first.
    family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    both = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(address[:2], family=family, backlog=backlog, dualstack_ipv6=both)


def local_url(host: str, port: int) -> str:
    """The URL, without a path, at which this machine reaches a service that listens on `host`."""
    address = _literal(host)
    if address is None:
        return f"http://{host}:{port}"
    if address.is_unspecified:
        return f"http://{LOOPBACK if address.version == 4 else '[::1]'}:{port}"
    return f"http://{address if address.version == 4 else f'[{address}]'}:{port}"


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(_without_brackets(host))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _without_brackets(host: str) -> str:
    return host.removeprefix("[").removesuffix("]")
