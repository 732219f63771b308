"""The two clocks of a process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Clock:
    """`wall` (aware, UTC) may be wrong and may jump; `steady` counts seconds and is never set back."""

    wall: Callable[[], datetime]
    steady: Callable[[], float]


MACHINE: Final = Clock(lambda: datetime.now(UTC), time.monotonic)
