"""What would hurt a caller if this machine took one more: CPU stalls, memory, a slow event loop.

Calls do not degrade one by one, they break together: audio arrives late for all of them. Pressure stall
information (the kernel's Documentation/accounting/psi.rst) tells it early: the share of time in which
some task waited for a CPU, over all CPUs. The load average and /proc/stat do not, and the kernel's own
average over ten seconds tells it when the calls that are too many have begun.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# The machine's, and that of the container, which knows of a CPU limit; either may be missing.
CPU: Final = (Path("/proc/pressure/cpu"), Path("/sys/fs/cgroup/cpu.pressure"))
WINDOW: Final = 3.0  # seconds over which the CPU's pressure is told; the start of a call takes two
MEMORY: Final = Path("/proc/meminfo")
LEAST_MEMORY: Final = 0.04  # of all, available
ANY_CPU: Final = 100.0
WORST_LAG: Final = 0.5  # seconds that the worker's own loop may be late


@dataclass(frozen=True, slots=True)
class Pressure:
    """A reading: CPU stall in percent of the last seconds, available memory as a share, lag in s."""

    cpu: float | None
    memory: float | None
    lag: float

    def why_not(self, most_cpu: float) -> str | None:
        """Why no further call should be taken; None when one may. `most_cpu` 100 allows any."""
        if self.cpu is not None and self.cpu >= most_cpu < ANY_CPU:
            return f"tasks wait for a CPU {self.cpu:.0f} % of the time"
        if self.memory is not None and self.memory < LEAST_MEMORY:
            return f"only {self.memory:.0%} of the memory is available"
        if self.lag > WORST_LAG:
            return f"the event loop is {self.lag:.1f} s late"
        return None


class PressureGauge:
    """Reads this machine time and again; what the kernel does not tell is None."""

    def __init__(
        self, sources: Sequence[Path] = CPU, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._seen: deque[tuple[float, list[int | None]]] = deque()

    def read(self, lag: float) -> Pressure:
        """Now; the CPU's pressure is None at first."""
        now = self._clock()
        stalled = [_stalled(source) for source in self._sources]
        while len(self._seen) > 1 and self._seen[1][0] <= now - WINDOW:
            self._seen.popleft()
        cpu = None
        if self._seen and now > self._seen[0][0]:
            then, before = self._seen[0]
            shares = [
                (after - earlier) / 1e6 / (now - then)
                for earlier, after in zip(before, stalled, strict=True)
                if earlier is not None and after is not None
            ]
            cpu = min(100.0, 100 * max(shares)) if shares else None
        self._seen.append((now, stalled))
        return Pressure(cpu, _memory(), lag)


class LagMeter:
    """How late the running event loop is, by a timer that should fire every `interval` seconds."""

    def __init__(self, interval: float = 0.25) -> None:
        self._interval = interval
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + interval
        self._timer = self._loop.call_at(self._due, self._fired)
        self.lag = 0.0

    def close(self) -> None:
        """Stop."""
        self._timer.cancel()

    def _fired(self) -> None:
        now = self._loop.time()
        # A burst is to be seen for a while: a late loop is rarely late only once.
        self.lag = max(now - self._due, self.lag * 0.8)
        self._due = now + self._interval
        self._timer = self._loop.call_at(self._due, self._fired)


def recent_pressure(sources: Sequence[Path] = CPU) -> float | None:
    """Percent of the last ten seconds in which a task waited for a CPU, the kernel's own average.

    For those who ask once; None when the kernel does not tell it.
    """
    told = [fields for source in sources if (fields := _some(source)) is not None]
    return max((float(fields["avg10"]) for fields in told), default=None)


def _stalled(source: Path) -> int | None:
    """Microseconds since boot."""
    fields = _some(source)
    return None if fields is None else int(fields["total"])


def _some(source: Path) -> dict[str, str] | None:
    """The fields of the line `some avg10=1.23 avg60=... total=123456`."""
    try:
        line = source.read_text("ascii").partition("\n")[0]
    except OSError:
        return None  # a kernel without PSI, or no container
    return dict(part.split("=") for part in line.split()[1:])


def _memory() -> float | None:
    try:
        lines = MEMORY.read_text("ascii").splitlines()
    except OSError:
        return None
    fields = {name: float(rest.split()[0]) for name, _, rest in (x.partition(":") for x in lines)}
    if "MemAvailable" not in fields:
        return None
    return fields["MemAvailable"] / fields["MemTotal"]
