"""One test run of Locust: its caller hosts and its journal, from which it makes the results at its end."""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
import sys
import time
from argparse import Namespace
from typing import Final

import gevent
from locust.env import Environment
from locust.html import get_html_report
from locust.runners import MasterRunner, WorkerRunner

from load import messages
from load.driver.collect import Collector, fire
from load.driver.hosts import ROOT, CallerHosts
from load.driver.journal import Journal
from load.driver.options import API_KEY, host_settings, reports_folder, scenario_of
from load.messages import JOURNAL, Message, decode, encode

LOCUST_REPORT: Final = "locust.html"
# Seconds after which calls that are winding down are cut; the judgement of their answers included.
WINDS_DOWN_WITHIN: Final = 60.0
SLACK: Final = 10.0  # seconds that messages between master and workers may add
EARLY: Final = 1.0  # seconds that a whole run may be shorter than planned

logger = logging.getLogger(__name__)


class Run:
    """A run from test_start to test_stop. A master has no caller hosts, a worker makes no results."""

    def __init__(self, environment: Environment, collector: Collector) -> None:
        self._environment = environment
        self.options: Namespace = _options(environment)
        self.collector = collector
        self.scenario = scenario_of(self.options)
        self.prefix = secrets.token_hex(3)  # rooms of an earlier run may still exist
        self.began = time.time()
        self._began_at = time.monotonic()  # monotonic: unlike time.time() it cannot be set
        self.stopping = False
        self.exit_code = 0
        self.is_worker = isinstance(environment.runner, WorkerRunner)
        self.hosts = CallerHosts(
            lambda name: host_settings(self.options, self.scenario, f"{self.prefix}-{name}"),
            collector.take,
            self.options.load_callers_per_host,
        )
        self.journal: Journal | None = None
        if not self.is_worker:
            self.journal = Journal(reports_folder(self.options) / JOURNAL)
            collector.use(self.journal)
            self.journal.add(self._plan_message())

    @property
    def arrivals_per_minute(self) -> float:
        """The rate of one Locust user; all users together make the rate of --load-arrivals."""
        rate: float = self.options.load_arrivals
        return rate / max(1, int(self.options.num_users or 1))

    def wind_down(self) -> None:
        """End each call after its current turn, here and on all workers; wait until all have ended."""
        self.stopping = True
        logger.info("callers end their calls after the current turn")
        if isinstance(self._environment.runner, MasterRunner):
            self.collector.wind_down_workers(WINDS_DOWN_WITHIN + SLACK)
            return
        self.hosts.wind_down()
        try:
            with gevent.Timeout(WINDS_DOWN_WITHIN):
                while self.hosts.calls:  # there is no event for the end of the last call
                    gevent.sleep(0.1)
        except gevent.Timeout:
            why = f"calls did not end within {WINDS_DOWN_WITHIN:.0f} s and were cut"
            self.collector.keep({"kind": messages.TROUBLE, "why": why})

    def stop(self) -> None:
        """Stop the caller hosts; calls still under way are cut."""
        self.hosts.stop()

    def finish(self) -> int:
        """Make the results and return the exit code of the run."""
        assert self.journal is not None  # noqa: S101 - never called on a worker
        wanted = self.options.run_time
        lasted = time.monotonic() - self._began_at
        if wanted and lasted < float(wanted) - EARLY:
            why = f"the run was stopped after {lasted:.0f} of {float(wanted):.0f} s"
            self.journal.add({"kind": messages.TROUBLE, "why": why})
        self.journal.add({"kind": messages.END, "at": time.time()})
        self.journal.close()
        for sample in self._results():
            fire(self._environment, sample)
        self._write_locust_report()
        return self.exit_code

    def _write_locust_report(self) -> None:
        """Write Locust's own page, including the samples that were added after the run."""
        path = reports_folder(self.options) / LOCUST_REPORT
        try:
            path.write_text(get_html_report(self._environment, show_download_link=False))
        except OSError as error:
            path.unlink(missing_ok=True)
            logger.warning("%s cannot be written: %s", path, error.strerror)

    def _results(self) -> list[Message]:
        """Make the results; returns the samples read from the database and the stand-ins."""
        assert self.journal is not None  # noqa: S101 - never called on a worker
        # In another process, since database reads and plots would block gevent.
        ended = subprocess.run(
            [sys.executable, "-m", "load.report", str(self.journal.path.parent)],
            cwd=ROOT,
            input="".join(map(encode, self.journal.messages)),
            env={**os.environ, API_KEY: self.options.load_api_key},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        self.exit_code = ended.returncode
        return messages.of_kind(decode(ended.stdout.splitlines()), messages.SAMPLE)

    def _plan_message(self) -> Message:
        options = self.options
        return {
            "kind": messages.PLAN,
            "at": self.began,
            "target": options.load_target,
            "scenario": self.scenario.name,
            "callers": options.num_users,
            "ramp": options.spawn_rate,
            "seconds": options.run_time,
            "arrivals_per_minute": options.load_arrivals or None,
            "seed": options.load_seed,
            "api": options.load_api,
            "livekit": options.load_livekit,
            "database": options.load_database,
            "stand_ins": options.load_stand_ins,
            "thresholds": options.load_thresholds,
            "distributed": isinstance(self._environment.runner, MasterRunner),
        }


def current_run(environment: Environment) -> Run | None:
    """The run under way; None when its scenario was unusable."""
    run: Run | None = environment.load_run  # type: ignore[attr-defined]
    return run


def _options(environment: Environment) -> Namespace:
    assert environment.parsed_options is not None  # noqa: S101 - Locust's command line sets it
    options: Namespace = environment.parsed_options
    return options
