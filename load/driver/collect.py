"""Passes reports into Locust's statistics, and into the journal of the process that makes the results."""

from __future__ import annotations

from typing import Any, Final

from gevent.event import Event
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from load import messages
from load.driver.journal import Journal
from load.messages import Message

CHANNEL: Final = "load-report"  # worker to master: one report
WIND_DOWN: Final = "load-wind-down"  # master to worker: end calls after their current turn
ALL_OVER: Final = "load-all-over"  # worker to master: all calls have ended


class MetricFailed(Exception):
    """A failed sample, as Locust's statistics show it."""


class Collector:
    """Collects reports. A worker also sends them to its master, which only adds them to the journal."""

    def __init__(self, environment: Environment, journal: Journal | None) -> None:
        self._environment = environment
        self._journal = journal
        runner = environment.runner
        self._master = runner if isinstance(runner, WorkerRunner) else None
        self._waiting_for: set[str] = set()
        self._all_over = Event()
        if isinstance(runner, MasterRunner):
            runner.register_message(CHANNEL, self._on_report)
            runner.register_message(ALL_OVER, self._on_all_over)
        elif isinstance(runner, WorkerRunner):
            runner.register_message(WIND_DOWN, self._on_wind_down, concurrent=True)

    def use(self, journal: Journal) -> None:
        """Add the reports of the next run to this journal."""
        self._journal = journal

    def take(self, message: Message) -> None:
        """Process one report of a caller host of this process."""
        if message["kind"] == messages.SAMPLE:
            fire(self._environment, message)
        self.keep(message)

    def keep(self, message: Message) -> None:
        """Add a report to the journal, here or at the master."""
        if self._master is not None:
            worker = self._master.client_id
            with_worker = {**message, "worker": worker}
            self._master.send_message(CHANNEL, with_worker)
        elif self._journal is not None:
            self._journal.add(message)

    def wind_down_workers(self, timeout: float) -> None:
        """On a master: wind down the calls of all workers; wait for them for at most `timeout` seconds."""
        runner = self._environment.runner
        assert isinstance(runner, MasterRunner)  # noqa: S101 - for the type checker
        self._waiting_for = {client.id for client in runner.clients.running}
        self._all_over.clear()
        if lost := len(runner.clients.missing):
            self.keep({"kind": messages.TROUBLE, "why": f"load workers that were lost: {lost}"})
        if not self._waiting_for:
            return
        runner.send_message(WIND_DOWN)
        if not self._all_over.wait(timeout):
            why = f"{len(self._waiting_for)} load workers did not report that their calls are over"
            self.keep({"kind": messages.TROUBLE, "why": why})

    def _on_all_over(self, environment: Environment, msg: Any, **_more: object) -> None:
        del environment
        self._waiting_for.discard(msg.node_id)
        if not self._waiting_for:
            self._all_over.set()

    def _on_wind_down(self, environment: Environment, msg: Any, **_more: object) -> None:
        del msg
        run = getattr(environment, "load_run", None)
        if run is not None:
            run.wind_down()
        assert self._master is not None  # noqa: S101 - only workers register this
        self._master.send_message(ALL_OVER)

    def _on_report(self, environment: Environment, msg: Any, **_more: object) -> None:
        del environment
        if self._journal is not None:
            self._journal.add(dict(msg.data))


def fire(environment: Environment, sample: Message) -> None:
    """Add one sample to Locust's statistics."""
    error = sample["error"]
    environment.events.request.fire(
        request_type="call",
        name=str(sample["stage"]),
        response_time=max(0.0, sample["ms"]),
        response_length=0,
        exception=None if error is None else MetricFailed(error),
        context={"call": sample["call"]},
    )
