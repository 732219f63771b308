"""An event loop whose time jumps to the next timer: hours pass in seconds, and repeatably."""

from __future__ import annotations

import asyncio
import selectors


class _Skipping(selectors.SelectSelector):
    """Never waits: the simulated time of a wait has passed when `select` returns."""

    now = 0.0

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, selectors._EventMask]]:
        if timeout is None:
            raise RuntimeError("all tasks wait, and no timer is due")
        self.now += max(timeout, 0.0)
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Runs coroutines in simulated time; threads cannot take part in it."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        """Simulated seconds since the loop was created."""
        return self._skipping.now
