"""How many clients' connections a service holds at once, and which one gives way to a newcomer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Generic, TypeVar

C = TypeVar("C", bound=Hashable)


class ConnectionLimit(Generic[C]):
    """At most `total` connections, and `per_address` of them from one address.

    A newcomer is taken, so that a probe gets its answer among silent connections. The connection gives way
    that has been silent for the longest time without ever sending a complete request; after those, the one
    that has been idle for the longest time. When all others are being served, the newcomer gives way.
    """

    def __init__(self, total: int, per_address: int) -> None:
        self._total = total
        self._per_address = per_address
        self._addresses: dict[C, str] = {}
        self._counts: Counter[str] = Counter()
        # Oldest first: by address, and of all addresses.
        self._silent: dict[str, dict[C, None]] = {}
        self._all_silent: dict[C, None] = {}
        self._idle: dict[str, dict[C, None]] = {}
        self._all_idle: dict[C, None] = {}

    def __len__(self) -> int:
        return len(self._addresses)

    @property
    def is_relaxed(self) -> bool:
        """Whether less than half of the places are taken."""
        return len(self) < self._total / 2

    def opened(self, connection: C, address: str) -> C | None:
        """Count a new connection; returns the one that has to be closed for it, if any."""
        victim: C | None = None
        if self._counts[address] >= self._per_address:
            victim = _first(self._silent.get(address), self._idle.get(address), {connection: None})
        elif len(self) >= self._total:
            victim = _first(self._all_silent, self._all_idle, {connection: None})
        if victim is not None and victim is not connection:
            self.closed(victim)
        if victim is not connection:
            self._addresses[connection] = address
            self._counts[address] += 1
            self._silent.setdefault(address, {})[connection] = None
            self._all_silent[connection] = None
        return victim

    def serving(self, connection: C) -> None:
        """A complete request arrived on the connection: it gives way to nobody."""
        if (address := self._addresses.get(connection)) is not None:
            self._forget_waiting(connection, address)

    def served(self, connection: C) -> None:
        """The answer is sent; the connection may carry another request."""
        if (address := self._addresses.get(connection)) is not None:
            self._forget_waiting(connection, address)
            self._idle.setdefault(address, {})[connection] = None
            self._all_idle[connection] = None

    def closed(self, connection: C) -> None:
        """The connection has ended; one that was not counted is ignored."""
        address = self._addresses.pop(connection, None)
        if address is None:
            return
        self._forget_waiting(connection, address)
        self._counts[address] -= 1
        if not self._counts[address]:
            del self._counts[address]

    def _forget_waiting(self, connection: C, address: str) -> None:
        self._all_silent.pop(connection, None)
        self._all_idle.pop(connection, None)
        for by_address in (self._silent, self._idle):
            waiting = by_address.get(address)
            if waiting is not None:
                waiting.pop(connection, None)
                if not waiting:
                    del by_address[address]


def _first(*waiting: dict[C, None] | None) -> C | None:
    return next((next(iter(one)) for one in waiting if one), None)
