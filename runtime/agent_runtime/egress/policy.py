"""The rules: https and public addresses, and what EGRESS_ALLOW permits besides."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final, Self

from agent_runtime.egress.addresses import Address, Network, is_public, parse
from agent_runtime.egress.urls import EgressRefused, Target, read_authority

_SCHEME: Final = re.compile(r"(https?)://(.*)", re.IGNORECASE)
_SEPARATORS: Final = re.compile(r"[,\s]+")
_LOOPBACK: Final = (parse("127.0.0.1"), parse("::1"))
_FORMS: Final = "write for example http://vllm:8000, vllm.internal or 10.0.0.0/8"


class AddressRefusedError(EgressRefused, OSError):
    """Raised at connect time, when the name stands for an address that may not be called.

    An OSError, too, so that clients take it for a failed connection.
    """


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """A host of EGRESS_ALLOW, at any port when `port` is None; `is_encrypted` allows TLS only."""

    host: str
    port: int | None = None
    is_encrypted: bool = False

    def covers(self, target: Target) -> bool:
        """Whether the target is this host."""
        return (
            target.host == self.host
            and self.port in (None, target.port)
            and (target.is_encrypted or not self.is_encrypted)
        )


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """What the operator permits besides public addresses over https. Without anything: nothing."""

    hosts: tuple[AllowedHost, ...] = ()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, text: str) -> Self:
        """Read EGRESS_ALLOW: hosts and networks, separated by commas or blanks.

        Raises ValueError, which names the entry and its remedy.
        """
        hosts: list[AllowedHost] = []
        networks: list[Network] = []
        for entry in filter(None, _SEPARATORS.split(text)):
            if "/" in entry and "://" not in entry:
                networks.append(_network(entry))
            else:
                hosts.append(_allowed_host(entry))
        return cls(tuple(hosts), tuple(networks))

    def check(self, target: Target) -> None:
        """Refuse what can be judged before DNS is asked. Raises EgressRefused with the remedy."""
        if self._names(target):
            return
        literal = target.literal
        in_network = literal is not None and self._has(literal)
        if not target.is_encrypted and not in_network:
            raise EgressRefused(
                f"must start with {'wss' if target.scheme == 'ws' else 'https'}://; for plain "
                f"{target.scheme} the operator names the host in EGRESS_ALLOW"
            )
        is_local = target.host == "localhost" or target.host.endswith(".localhost")
        addresses = _LOOPBACK if is_local else () if literal is None else (literal,)
        if addresses and not any(map(self._permits, addresses)):
            raise EgressRefused(
                f"{target.host} is not a public address; use a public one, or the operator names it "
                "in EGRESS_ALLOW"
            )

    def require(self, target: Target, address: str) -> None:
        """Refuse to connect to an IP address for this target. Raises AddressRefusedError."""
        if self._names(target):
            return
        try:
            permitted = self._permits(parse(address))
        except ValueError:
            permitted = False
        if not permitted:
            raise AddressRefusedError(
                f"{target.host} stands for an address that is not public; the operator can permit the "
                "host in EGRESS_ALLOW"
            )

    def _names(self, target: Target) -> bool:
        return any(host.covers(target) for host in self.hosts)

    def _permits(self, address: Address) -> bool:
        return is_public(address) or self._has(address)

    def _has(self, address: Address) -> bool:
        plain = parse(str(address))
        return any(address in network or plain in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Guard:
    """A target that was checked, and the policy to judge its IP addresses by when it is called."""

    target: Target
    policy: EgressPolicy

    def require(self, address: str) -> None:
        """Refuse to connect to this IP address. Raises AddressRefusedError."""
        self.policy.require(self.target, address)

    def require_origin(self, host: str, port: int | None) -> None:
        """Refuse another host or port than the target's. Raises AddressRefusedError."""
        if (host.lower().strip("[]").removesuffix("."), port) != (
            self.target.host,
            self.target.port,
        ):
            raise AddressRefusedError(f"this client may call {self.target.host} only")


def _network(entry: str) -> Network:
    try:
        return ip_network(entry)
    except ValueError:
        raise ValueError(
            f"{entry} is no network: write its first address and the length of the prefix, such as "
            "10.0.0.0/8"
        ) from None


def _allowed_host(entry: str) -> AllowedHost:
    found = _SCHEME.fullmatch(entry)
    scheme, authority = (found[1].lower(), found[2].removesuffix("/")) if found else ("", entry)
    if "@" in authority:
        raise ValueError(f"an entry has a user name or password in it; {_FORMS}")
    try:
        return AllowedHost(str(parse(authority)), None, scheme == "https")
    except ValueError:
        pass
    if not authority.isascii():
        raise ValueError(f"{entry} is not ASCII: write the host name as DNS has it (xn--...)")
    try:
        host, port = read_authority(authority)
    except EgressRefused:
        raise ValueError(f"{entry} is no host, host:port or network; {_FORMS}") from None
    return AllowedHost(host, port, scheme == "https")
