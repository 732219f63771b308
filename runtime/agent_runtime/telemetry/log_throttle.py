"""What is asked every second and fails for an hour is told a hundred times, not 3,600 times."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

REMIND_EVERY: Final = 30.0  # seconds


class LogThrottle:
    """Of one thing that is asked time and again; `what` begins each line of the log.

    The first failure is told, then one every half a minute, and the end.
    """

    def __init__(
        self, logger: logging.Logger, what: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._logger = logger
        self._what = what
        self._clock = clock
        self._since: float | None = None
        self._told_at = 0.0

    def failed(self, why: object) -> None:
        """It could not be had, and `why`, in one line."""
        now = self._clock()
        if self._since is None:
            self._since = self._told_at = now
            self._logger.warning("%s: %s", self._what, why)
        elif now - self._told_at >= REMIND_EVERY:
            self._told_at = now
            self._logger.warning("%s, for %.0f s now: %s", self._what, now - self._since, why)

    def recovered(self) -> None:
        """It was had."""
        if self._since is not None:
            self._logger.warning(
                "%s: well again after %.1f s", self._what, self._clock() - self._since
            )
            self._since = None
