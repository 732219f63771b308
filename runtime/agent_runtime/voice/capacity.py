"""How many further calls a machine carries, by the CPU pressure that its calls make.

A call's load is seen seconds after it began, too late for those that come with it. So what a call takes is
learned, and between two looks at the machine only so many are taken as would fit by that. Before anything
is learned it is guessed; but a machine without calls that does next to nothing takes what comes, and a
burst that has begun so to its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agent_runtime.voice.pressure import ANY_CPU

# Seconds after which a call that began takes what it takes, and one that ended takes nothing.
SETTLED: Final = 5.0
# Percent of pressure on one CPU that a call makes where LiveKit and callers are on the same machine;
# more is something else's.
GUESSED_COST: Final = 20.0
LEAST_COST: Final = 0.5  # percent of CPU pressure that a call makes, whatever was measured
# Calls for each CPU that make a burst within a second.
MANY: Final = 2
# What a look counts against all before it, at least. Callers think at the same time for some seconds,
# and what their calls take then is not what they take.
LEAST_WEIGHT: Final = 0.02


class Capacity:
    """Of one worker. `most_cpu` is in percent of pressure, as `Pressure.cpu`; 100 sets no bound."""

    def __init__(self, most_cpu: float, cpus: int) -> None:
        self._most_cpu = most_cpu
        self._cpus = cpus
        self._many = MANY * cpus
        self._guess = GUESSED_COST / cpus
        self._cost: float | None = None  # percent of pressure that a call makes, once it is learned
        self._looks = 1  # that it was learned from; the guess counts as one
        self._calls: set[str] = set()
        self._changed_at = 0.0
        # Calls that may be taken until the next look; None for any number.
        self.room: int | None = None
        # A burst into an idle machine has begun and is to be taken to its end.
        self.in_burst = False

    def take(self) -> bool:
        """Count a call that was just taken; whether there was a number to count it against."""
        if not self.room:
            return False
        self.room -= 1
        return True

    def give_back(self) -> None:
        """One that was counted was not taken after all."""
        if self.room is not None:
            self.room += 1

    def look(self, cpu: float | None, calls: Mapping[str, float], now: float) -> None:
        """Note the pressure, every second or so; `calls` says since when there is each (seconds)."""
        if calls.keys() != self._calls:
            self._calls, self._changed_at = set(calls), now
        was_open, self.room, self.in_burst = self.room is None, None, False
        if cpu is None or self._most_cpu >= ANY_CPU:
            return
        new = sum(now - since < 1.0 for since in calls.values())
        self.in_burst = was_open and self._cost is None and new >= self._many
        if self.in_burst:
            return
        settled = sum(now - since > SETTLED for since in calls.values())
        if settled:
            self._learn(cpu / settled, steady=now - self._changed_at > SETTLED)
        # Calls that began lately may well take more soon; those of this moment are a burst's first.
        if self._cost is not None or len(calls) > new or cpu >= self._most_cpu / 2:
            cost = self._cost or self._guess
            fit = _whole(self._most_cpu / cost) - len(calls)
            fit_now = _whole((self._most_cpu - cpu) / cost) - (len(calls) - settled)
            # The start of a call takes a second of a CPU; fewer calls than CPUs leave one for the next.
            self.room = max(1 if len(calls) < self._cpus else 0, min(fit, fit_now))

    def _learn(self, at_most: float, *, steady: bool) -> None:
        """A call takes `at_most`, and just that in `steady` times; else others begin or end meanwhile."""
        cost = self._cost or self._guess
        found = min(self._guess, max(at_most, LEAST_COST))
        if steady or found < cost:
            self._looks += 1
            weight = max(1 / self._looks, LEAST_WEIGHT)
            self._cost = (1 - weight) * cost + weight * found


def _whole(calls: float) -> int:
    """So many fit; what one takes is not known so well that a tenth of it would tell."""
    return int(calls + 0.1)
