"""Measures what hurts callers when the machine takes too many: CPU pressure, memory, a slow event loop.

Calls do not degrade one by one, they break together: audio arrives late for all of them. Pressure stall
information (PSI; the kernel's Documentation/accounting/psi.rst) shows this early: the share of time in
which some task waited for a CPU, over all CPUs. The load average and /proc/stat do not show it, and the
kernel's own average over ten seconds shows it only when too many calls have begun.
"""

from __future__ import annotations

import asyncio
import resource
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# PSI of the machine, and of the container, which accounts for a CPU limit; either may be missing.
CPU_FILES: Final = (Path("/proc/pressure/cpu"), Path("/sys/fs/cgroup/cpu.pressure"))
# Seconds over which CPU pressure is measured: more than the two that the start of a call takes.
WINDOW: Final = 3.0
MEMORY: Final = Path("/proc/meminfo")
# Share of all memory that must be available for another call.
MIN_MEMORY: Final = 0.04
# A limit of CPU pressure, in percent, that sets no limit.
NO_CPU_LIMIT: Final = 100.0
# The open files of this process, see proc(5).
DESCRIPTORS: Final = Path("/proc/self/fd")
# Seconds that the worker's own event loop may be late before the worker refuses calls.
MAX_LAG: Final = 0.5
# File descriptors that must be free for another call: its process takes some ten for pipes and sockets, and
# several calls may start between two readings.
MIN_DESCRIPTORS: Final = 40


@dataclass(frozen=True, slots=True)
class Pressure:
    """One reading: CPU pressure in percent over `WINDOW`, available memory as a share, lag in seconds.

    `cpu` and `memory` are None where the kernel does not report them. `descriptors` is the number of files
    that this process can still open.
    """

    cpu: float | None
    memory: float | None
    lag: float
    descriptors: int = MIN_DESCRIPTORS

    def refusal_reason(self, max_cpu: float) -> str | None:
        """Return why the machine should take no further call, or None. `max_cpu` is in percent."""
        if self.cpu is not None and self.cpu >= max_cpu < NO_CPU_LIMIT:
            return f"tasks wait for a CPU {self.cpu:.0f} % of the time"
        if self.memory is not None and self.memory < MIN_MEMORY:
            return f"only {self.memory:.0%} of the memory is available"
        if self.lag > MAX_LAG:
            return f"the event loop is {self.lag:.1f} s late"
        if self.descriptors < MIN_DESCRIPTORS:
            return f"only {self.descriptors} file descriptors are free: raise the limit (ulimit -n)"
        return None


class PressureGauge:
    """Reads this machine's pressure repeatedly. `clock` returns seconds."""

    def __init__(
        self, sources: Sequence[Path] = CPU_FILES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._readings: deque[tuple[float, list[int | None]]] = deque()

    def read(self, lag: float) -> Pressure:
        """Return the pressure now, with the given `lag`; `cpu` is None in the first reading."""
        now = self._clock()
        stalled = [_stalled(source) for source in self._sources]
        while len(self._readings) > 1 and self._readings[1][0] <= now - WINDOW:
            self._readings.popleft()
        cpu = None
        if self._readings and now > self._readings[0][0]:
            then, before = self._readings[0]
            shares = [
                (after - earlier) / 1e6 / (now - then)
                for earlier, after in zip(before, stalled, strict=True)
                if earlier is not None and after is not None
            ]
            cpu = min(100.0, 100 * max(shares)) if shares else None
        self._readings.append((now, stalled))
        return Pressure(cpu, _memory(), lag, _free_descriptors())


class LagMeter:
    """Measures how late the running event loop is, by a timer that should fire every `interval` seconds."""

    def __init__(self, interval: float = 0.25) -> None:
        self._interval = interval
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + interval
        self._timer = self._loop.call_at(self._due, self._fired)
        self.lag = 0.0

    def close(self) -> None:
        """Stop the timer."""
        self._timer.cancel()

    def _fired(self) -> None:
        now = self._loop.time()
        # It decays slowly so that later readings still see it: a late loop is rarely late only once.
        self.lag = max(now - self._due, self.lag * 0.8)
        self._due = now + self._interval
        self._timer = self._loop.call_at(self._due, self._fired)


def recent_pressure(sources: Sequence[Path] = CPU_FILES) -> float | None:
    """Return the CPU pressure of the last ten seconds in percent, by the kernel's own average.

    It suits a process that reads once and keeps no gauge. None where the kernel does not report it.
    """
    found = [fields for source in sources if (fields := _some(source)) is not None]
    return max((float(fields["avg10"]) for fields in found), default=None)


def _stalled(source: Path) -> int | None:
    """Return the microseconds since boot in which some task waited for a CPU."""
    fields = _some(source)
    return None if fields is None else int(fields["total"])


def _some(source: Path) -> dict[str, str] | None:
    """Return the fields of the line `some avg10=1.23 avg60=... total=123456`."""
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


def _free_descriptors() -> int:
    """Return how many files this process can still open; 0 when it can open none, or the machine cannot."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        return max(0, limit - sum(1 for _ in DESCRIPTORS.iterdir()))
    except FileNotFoundError:
        return MIN_DESCRIPTORS  # no /proc: nothing is known
    except OSError:
        return 0
