"""The Locust user: a caller who calls again and again, or a stream of callers at a constant rate."""

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
from load.driver.run import Run, the_run
from load.metrics import Metric

NUMBERS: Final = count(1)


class Caller(User):
    """With --load-arrivals a user is not a caller but a stream of them, which waits for none."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._arrived = Group()
        self._next = time.monotonic()

    @task
    def calls(self) -> None:
        """One call, or the arrival of one."""
        run = the_run(self.environment)
        if run is None or run.stopping:
            raise StopUser
        if run.arrivals_per_minute:
            self._arrived.spawn(place_call, run)
            # By the clock, so that a late one does not delay all after it.
            self._next += 60 / run.arrivals_per_minute
            gevent.sleep(max(0.0, self._next - time.monotonic()))
        else:
            place_call(run)
            gevent.sleep(run.scenario.pause_between_calls)

    def on_stop(self) -> None:
        """Calls that have arrived are ended before the user is."""
        self._arrived.join()


def place_call(run: Run) -> None:
    """Place a call and wait until all about it has been reported."""
    name = f"{run.prefix}-{next(NUMBERS)}"
    try:
        run.hosts.call(name)
    except CallerHostDied as died:
        why = str(died)
        sample = {"call": name, "stage": Metric.CALL, "at": time.time(), "ms": 0.0}
        run.collector.take({"kind": messages.SAMPLE, **sample, "error": why})
        run.collector.keep({"kind": messages.TROUBLE, "call": name, "why": why})
