"""An event loop whose time jumps to whatever is due next: hours pass in seconds, and always the same."""

from __future__ import annotations

import asyncio
import selectors


class _Skipping(selectors.SelectSelector):
    """Waits for nobody: the time that it was to wait has passed when it returns."""

    now = 0.0

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, selectors._EventMask]]:
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing is due")
        self.now += max(timeout, 0.0)
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Runs what is asynchronous in simulated time; threads have no place in it."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        """Simulated seconds since the loop was made."""
        return self._skipping.now
