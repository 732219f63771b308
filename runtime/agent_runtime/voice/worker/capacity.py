"""How many further calls a machine carries, by the CPU pressure that its calls make.

A call's load is seen seconds after it began, too late for those that come with it; and from one second to
the next the pressure tells more of who speaks just now, begins or ends than of how many calls there are.
So what a call takes is learned while calls talk, and as many are taken as fit by that. Before anything is
learned it is guessed; but a machine without calls that does next to nothing takes what comes, and a burst
that has begun so to its end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from agent_runtime.voice.machine.pressure import ANY_CPU

# Seconds after which a call that began takes what it takes, and one that ended takes nothing.
SETTLED: Final = 5.0
# Percent of pressure on one CPU that a call makes where LiveKit and callers are on the same machine;
# more is something else's.
GUESSED_COST: Final = 17.5
GUESS_COUNTS: Final = 30  # looks: so much has to be seen until the guess is half forgotten
LEAST_COST: Final = 0.5  # percent of CPU pressure that a call makes, whatever was measured
# Calls for each CPU that make a burst within a second.
MANY: Final = 2
# What a look counts against all before it, at least. Callers think at the same time for some seconds,
# and what their calls take then is not what they take.
LEAST_WEIGHT: Final = 0.01
# Seconds over which it is told what else the machine does.
RECENT: Final = 25.0
# Seconds for which a call that begins counts twice there, and one that ended still counts: a start takes
# more than talking, and both are longer in the pressure, which is that of the last seconds.
CHANGING: Final = 3.0
# Pressure of the last seconds at which nobody is taken, as a multiple of what calls may make as a mean.
AT_ONCE: Final = 1.5
# Parts of a call that do not count, since no more is known: of what a call takes, and of what the machine
# does beside calls.
BLURRED: Final = 0.2
BLURRED_BESIDE: Final = 0.5


class Capacity:
    """Of one worker. `most_cpu` is in percent of pressure, as `Pressure.cpu`; 100 sets no bound."""

    def __init__(self, most_cpu: float, cpus: int) -> None:
        self._most_cpu = most_cpu
        self._cpus = cpus
        self._many = MANY * cpus
        self._guess = self._cost = GUESSED_COST / cpus
        self._looks = GUESS_COUNTS  # that the cost was learned from
        self._has_learned = False
        self._of_late = Recently()
        self._calls: set[str] = set()
        self._ended: list[float] = []  # when each of the last did
        self._looked_at = self._changed_at = 0.0
        # Calls that may be taken until the next look; None for any number.
        self.room: int | None = None
        # A burst into an idle machine has begun and is to be taken to its end.
        self.in_burst = False

    @property
    def most_at_once(self) -> float:
        """Percent of pressure in the last seconds at which nobody is taken, whatever was learned."""
        return min(ANY_CPU, AT_ONCE * self._most_cpu)

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
            self._ended += [now] * len(self._calls - calls.keys())
            self._calls, self._changed_at = set(calls), now
        self._ended = [when for when in self._ended if now - when < CHANGING]
        passed, self._looked_at = min(SETTLED, now - self._looked_at), now
        was_open, self.room, self.in_burst = self.room is None, None, False
        if cpu is None or self._most_cpu >= ANY_CPU:
            return
        ages = [now - since for since in calls.values()]
        new = sum(age < 1.0 for age in ages)
        self.in_burst = was_open and not self._has_learned and new >= self._many
        if self.in_burst:
            return
        beginning = sum(age < CHANGING for age in ages)
        self._of_late.add(cpu, len(ages) + beginning + len(self._ended), passed)
        if settled := sum(age > SETTLED for age in ages):
            self._learn(cpu / settled, steady=now - self._changed_at > SETTLED)
        # Calls that began lately may well take more soon; those of this moment are a burst's first.
        if self._has_learned or len(ages) > new or cpu >= self._most_cpu / 2:
            # The start of a call takes a second of a CPU; fewer calls than CPUs leave one for the next.
            least = 1 if len(ages) < self._cpus else 0
            self.room = max(least, self._fit() - len(ages))

    def _fit(self) -> int:
        """How many calls the machine carries with what it does beside them."""
        beside = max(0.0, self._of_late.beside(self._cost) - BLURRED_BESIDE * self._cost)
        return math.floor((self._most_cpu - beside) / self._cost + BLURRED)

    def _learn(self, at_most: float, *, steady: bool) -> None:
        """A call takes `at_most`, and just that in `steady` times; else others begin or end meanwhile."""
        self._has_learned = True
        found = min(self._guess, max(at_most, LEAST_COST))
        if steady or found < self._cost:
            self._looks += 1
            weight = max(1 / self._looks, LEAST_WEIGHT)
            self._cost = (1 - weight) * self._cost + weight * found


class Recently:
    """Means over the last `RECENT` seconds or so, of what is newer the more."""

    def __init__(self) -> None:
        self._seconds = self._cpu = self._calls = 0.0

    def add(self, cpu: float, calls: int, seconds: float) -> None:
        """What was there for `seconds`."""
        kept = math.exp(-seconds / RECENT)
        self._seconds = kept * self._seconds + seconds
        self._cpu = kept * self._cpu + seconds * cpu
        self._calls = kept * self._calls + seconds * calls

    def beside(self, cost: float) -> float:
        """Percent of pressure beyond that of the calls, when each takes `cost`."""
        return (self._cpu - cost * self._calls) / self._seconds if self._seconds else 0.0
