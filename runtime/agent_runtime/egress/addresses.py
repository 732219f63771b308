"""Which IP addresses are public: reachable for anybody, and no part of the operator's network."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Global by the registries that `ipaddress` follows, and yet no place for a request of ours.
_REFUSED: Final[tuple[Network, ...]] = (
    IPv4Network(
        "192.0.0.0/24"
    ),  # protocols, RFC 6890, and Oracle's metadata; global for older Pythons
    IPv4Network("192.88.99.0/24"),  # relays of 6to4, RFC 7526
    IPv4Network("168.63.129.16/32"),  # Azure's host agent, which answers machines only from inside
    IPv6Network("3fff::/20"),  # documentation, RFC 9637; Python before 3.13 takes it for global
    IPv6Network("2001::/23"),  # Teredo, ORCHID and other protocols, no hosts; RFC 2928
)
# The only global unicast addresses of IPv6. Outside are NAT64 (64:ff9b::/96, 64:ff9b:1::/48), IPv4 in IPv6
# (::/96), unique local, link-local, site-local and multicast addresses, and those not yet assigned.
_UNICAST: Final = IPv6Network("2000::/3")


def parse(text: str) -> Address:
    """The address, without its zone; IPv4 in IPv6 (::ffff:a.b.c.d) as IPv4, which is what is called.

    Raises ValueError.
    """
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_public(address: Address) -> bool:
    """Whether anybody may be sent there: global, unicast, and not a private address in another form."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address not in _UNICAST:
            return False
        if address.sixtofour is not None and not is_public(address.sixtofour):
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in network for network in _REFUSED)
    )
