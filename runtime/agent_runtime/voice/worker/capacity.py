"""Estimates how many further calls a machine carries, from the CPU pressure that its calls cause.

The pressure of a new call shows seconds after it began, too late for calls that begin with it. From one
second to the next, pressure depends more on who is speaking, beginning or ending than on the number of
calls. So the mean cost of a call is learned while calls talk, and as many calls are accepted as fit by that
cost. Until it is learned, a guess stands in for it; but an idle machine without calls accepts what comes,
and a burst that has begun is accepted to its end.

Pressure and costs are in percent (PSI, see voice/machine/pressure.py), times in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from agent_runtime.voice.machine.pressure import NO_CPU_LIMIT

# Seconds after which a new call causes its usual pressure, and an ended one none.
SETTLED: Final = 5.0
# Percent of pressure that a call causes on one CPU where LiveKit and callers run on the same machine. It is
# the first guess, and the upper bound: more comes from something else.
INITIAL_COST: Final = 17.5
# Number of readings for which the guess counts: after as many, half of it is forgotten.
INITIAL_READINGS: Final = 30
# Percent of pressure that a call causes at least, whatever was measured.
MIN_COST: Final = 0.5
# Calls per CPU that begin within a second and make a burst.
BURST_CALLS_PER_CPU: Final = 2
# Least weight of a reading against all before it. Callers may pause at the same time for some seconds: a
# reading of then understates the usual cost.
MIN_WEIGHT: Final = 0.01
# Seconds of the mean by which the pressure of other work on the machine is known.
RECENT: Final = 25.0
# Seconds for which a new call counts twice in that mean, and an ended one still counts. A start costs more
# than talking, and starts and ends show longer in the pressure, which is that of the last seconds.
TRANSITION: Final = 3.0
# Factor on the mean limit: at this pressure of the last seconds no call is accepted.
REFUSAL_FACTOR: Final = 1.5
# Error of the estimates, in calls: smaller shortfalls are ignored. The first is of the calls' cost, the
# second of other work on the machine.
COST_ERROR: Final = 0.2
OTHER_WORK_ERROR: Final = 0.5


class Capacity:
    """The capacity of one machine with `cpus` CPUs.

    `max_cpu` is the mean CPU pressure, in percent, that calls may cause; 100 sets no limit.
    """

    def __init__(self, max_cpu: float, cpus: int) -> None:
        self._max_cpu = max_cpu
        self._cpus = cpus
        self._burst_calls = BURST_CALLS_PER_CPU * cpus
        self._max_cost = self._cost = INITIAL_COST / cpus
        self._readings = INITIAL_READINGS  # from which the cost was learned
        self._has_learned = False
        self._recent = RecentMean()
        self._calls: set[str] = set()
        self._ended_at: list[float] = []  # of the calls that ended lately
        self._observed_at = self._changed_at = 0.0
        # Calls that may be accepted until the next reading; None sets no limit.
        self.free_calls: int | None = None
        # A burst has begun on an idle machine, and is accepted to its end.
        self.in_burst = False

    @property
    def max_pressure_now(self) -> float:
        """Pressure of the last seconds at which no call is accepted, whatever was learned."""
        return min(NO_CPU_LIMIT, REFUSAL_FACTOR * self._max_cpu)

    def take(self) -> bool:
        """Count a call that was just accepted; returns whether `free_calls` was reduced by it."""
        if not self.free_calls:
            return False
        self.free_calls -= 1
        return True

    def give_back(self) -> None:
        """Undo a `take` that returned True."""
        if self.free_calls is not None:
            self.free_calls += 1

    def observe(self, cpu: float | None, calls: Mapping[str, float], now: float) -> None:
        """Take in a reading of CPU pressure; called about every second.

        `calls` holds when each call began, by its id; `now` is on the same clock.
        """
        if calls.keys() != self._calls:
            self._ended_at += [now] * len(self._calls - calls.keys())
            self._calls, self._changed_at = set(calls), now
        self._ended_at = [when for when in self._ended_at if now - when < TRANSITION]
        passed, self._observed_at = min(SETTLED, now - self._observed_at), now
        was_unlimited, self.free_calls, self.in_burst = self.free_calls is None, None, False
        if cpu is None or self._max_cpu >= NO_CPU_LIMIT:
            return
        ages = [now - since for since in calls.values()]
        new = sum(age < 1.0 for age in ages)
        self.in_burst = was_unlimited and not self._has_learned and new >= self._burst_calls
        if self.in_burst:
            return
        beginning = sum(age < TRANSITION for age in ages)
        self._recent.add(cpu, len(ages) + beginning + len(self._ended_at), passed)
        if settled := sum(age > SETTLED for age in ages):
            self._learn(cpu / settled, steady=now - self._changed_at > SETTLED)
        # Calls that began some seconds ago may soon cost more; those of this second may be a burst's first.
        if self._has_learned or len(ages) > new or cpu >= self._max_cpu / 2:
            # The start of a call takes a second of one CPU; with fewer calls than CPUs one is left for it.
            least = 1 if len(ages) < self._cpus else 0
            self.free_calls = max(least, self._fitting() - len(ages))

    def _fitting(self) -> int:
        """Return how many calls the machine carries beside its other work."""
        other = max(0.0, self._recent.other_work(self._cost) - OTHER_WORK_ERROR * self._cost)
        return math.floor((self._max_cpu - other) / self._cost + COST_ERROR)

    def _learn(self, at_most: float, *, steady: bool) -> None:
        """Learn that a call costs `at_most`.

        It costs exactly that in `steady` times; otherwise calls that begin or end had a part in it.
        """
        self._has_learned = True
        found = min(self._max_cost, max(at_most, MIN_COST))
        if steady or found < self._cost:
            self._readings += 1
            weight = max(1 / self._readings, MIN_WEIGHT)
            self._cost = (1 - weight) * self._cost + weight * found


class RecentMean:
    """Exponentially weighted means of pressure and of the number of calls, over about `RECENT` seconds."""

    def __init__(self) -> None:
        self._seconds = self._cpu = self._calls = 0.0

    def add(self, cpu: float, calls: int, seconds: float) -> None:
        """Add a pressure and a number of calls that lasted for `seconds`."""
        kept = math.exp(-seconds / RECENT)
        self._seconds = kept * self._seconds + seconds
        self._cpu = kept * self._cpu + seconds * cpu
        self._calls = kept * self._calls + seconds * calls

    def other_work(self, cost: float) -> float:
        """Return the mean pressure beyond that of the calls, if each costs `cost`."""
        return (self._cpu - cost * self._calls) / self._seconds if self._seconds else 0.0
