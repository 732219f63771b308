"""A log for one operation that is repeated every second and may fail for an hour.

It writes a hundred lines in that hour, not 3,600.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

# Seconds between two lines of one outage: often enough to be seen while one reads the log, rare enough not
# to bury other lines.
REMIND_EVERY: Final = 30.0


class LogThrottle:
    """Logs the first failure of an operation, a reminder every `REMIND_EVERY` seconds, and the recovery.

    `what` begins each line. `clock` returns seconds.
    """

    def __init__(
        self, logger: logging.Logger, what: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._logger = logger
        self._what = what
        self._clock = clock
        self._since: float | None = None
        self._logged_at = 0.0

    def failed(self, why: object) -> None:
        """Note a failure; `why` is its cause in one line."""
        now = self._clock()
        if self._since is None:
            self._since = self._logged_at = now
            self._logger.warning("%s: %s", self._what, why)
        elif now - self._logged_at >= REMIND_EVERY:
            self._logged_at = now
            self._logger.warning("%s, for %.0f s now: %s", self._what, now - self._since, why)

    def recovered(self) -> None:
        """Note a success."""
        if self._since is not None:
            self._logger.warning(
                "%s: recovered after %.1f s", self._what, self._clock() - self._since
            )
            self._since = None
