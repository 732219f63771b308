"""Starts and stops a run on Locust's events."""

from __future__ import annotations

import logging
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import WorkerRunner

from load.driver.collect import Collector
from load.driver.options import add_options, check_connections, scenario_of
from load.driver.run import Run
from load.exit_codes import UNUSABLE
from load.report.thresholds import read_thresholds
from load.yaml_file import FileError

logger = logging.getLogger(__name__)


def listen(events: Any) -> None:
    """Register the listeners with Locust; call it once in a process."""
    events.init_command_line_parser.add_listener(add_options)
    events.init.add_listener(_Listeners)


class _Listeners:
    def __init__(self, environment: Environment, **_more: object) -> None:
        self._environment = environment
        self._collector = Collector(environment, None)
        self._run: Run | None = None
        options = environment.parsed_options
        if options is not None and not isinstance(environment.runner, WorkerRunner):
            _check_options(options)
        # Imports may have taken seconds, in which gevent's clock stood still. Locust sets its timer for the
        # end of the run next; without this update the run would end early by those seconds.
        gevent.get_hub().loop.update_now()
        environment.events.test_start.add_listener(self._start)
        environment.events.test_stopping.add_listener(self._stopping)
        environment.events.test_stop.add_listener(self._stop)
        environment.events.quitting.add_listener(self._quit)

    def _start(self, **_more: object) -> None:
        try:
            self._run = Run(self._environment, self._collector)
        except FileError as error:  # a scenario chosen on the web page
            logger.critical("%s", error)
        self._environment.load_run = self._run  # type: ignore[attr-defined]

    def _stopping(self, **_more: object) -> None:
        """Wind down the calls before Locust stops its users."""
        if self._run is not None:
            self._run.wind_down()

    def _stop(self, **_more: object) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        run.stop()
        if not run.is_worker:
            self._environment.process_exit_code = run.finish()

    def _quit(self, **_more: object) -> None:
        """Stop the run: after Ctrl-C, or when a worker's master is gone, Locust quits without a stop."""
        if self._run is not None and self._environment.runner is not None:
            self._environment.runner.stop()


def _check_options(options: Namespace) -> None:
    """Check the options before anything starts; ends the process when they are unusable."""
    try:
        scenario_of(options)
        check_connections(options)
        if options.load_thresholds:
            read_thresholds(Path(options.load_thresholds))
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(UNUSABLE)
