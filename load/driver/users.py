"""The Locust user: a caller that calls again and again, or arrivals of callers at a constant rate."""

from __future__ import annotations

import time
from itertools import count
from typing import Any, Final

import gevent
from gevent.pool import Group
from locust import User, task
from locust.exception import StopUser

from load import messages
from load.driver.hosts import CallerHostDied
from load.driver.run import Run, current_run
from load.metrics import Metric

NUMBERS: Final = count(1)  # of calls, for their names


class Caller(User):
    """One caller; with --load-arrivals, a stream of callers that does not wait for earlier calls."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._arrived = Group()
        self._next = time.monotonic()

    @task
    def calls(self) -> None:
        """Place one call; with --load-arrivals, start one and wait for the next arrival."""
        run = current_run(self.environment)
        if run is None or run.stopping:
            raise StopUser
        if run.arrivals_per_minute:
            self._arrived.spawn(place_call, run)
            # Times follow the clock, so that one late arrival does not delay all later ones.
            self._next += 60 / run.arrivals_per_minute
            gevent.sleep(max(0.0, self._next - time.monotonic()))
        else:
            place_call(run)
            gevent.sleep(run.scenario.pause_between_calls)

    def on_stop(self) -> None:
        """Wait for the calls that have arrived."""
        self._arrived.join()


def place_call(run: Run) -> None:
    """Place a call and wait for its last report."""
    name = f"{run.prefix}-{next(NUMBERS)}"
    try:
        run.hosts.call(name)
    except CallerHostDied as died:
        why = str(died)
        sample = {"call": name, "stage": Metric.CALL, "at": time.time(), "ms": 0.0}
        run.collector.take({"kind": messages.SAMPLE, **sample, "error": why})
        run.collector.keep({"kind": messages.TROUBLE, "call": name, "why": why})
