"""Starts caller hosts as calls need them, and exchanges commands and reports with them."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import gevent
from gevent.event import AsyncResult

from load.caller_host.settings import HostSettings
from load.messages import Message, decode

ROOT: Final = Path(__file__).parents[2]
STOPS_WITHIN: Final = 20.0  # seconds until a caller host that does not stop is killed

logger = logging.getLogger(__name__)


class CallerHostDied(Exception):
    """A caller host ended during a call."""


class CallerHost:
    """One caller host process; `on_report` is called with each of its reports."""

    def __init__(self, settings: HostSettings, on_report: Callable[[Message], None]) -> None:
        self.name = settings.name
        self._on_report = on_report
        self._done: dict[str, AsyncResult[None]] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "load.caller_host"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C must reach only Locust, which winds calls down
        )
        self._write(settings.model_dump_json())
        self._reader = gevent.spawn(self._read)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def calls(self) -> int:
        """Number of calls under way."""
        return len(self._done)

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self._process.poll() is None

    def call(self, name: str) -> None:
        """Place a call; returns after its last report. Raises CallerHostDied."""
        done: AsyncResult[None] = AsyncResult()
        self._done[name] = done
        try:
            self._command("call", call=name)
            done.get()
        finally:
            self._done.pop(name, None)

    def wind_down(self) -> None:
        """End each call after its current turn."""
        if self.alive:
            self._command("wind-down")

    def stop(self) -> None:
        """End the process; it cuts its calls and reports them as cut."""
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            logger.info("caller host %s had already ended", self.name)
        try:
            self._process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            logger.warning("caller host %s does not stop; killing it", self.name)
            self._process.kill()
            self._process.wait()
        self._reader.join(STOPS_WITHIN)

    def _command(self, word: str, **fields: str) -> None:
        self._write(json.dumps({"do": word, **fields}))

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise CallerHostDied(f"caller host {self.name} has ended") from error

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        for message in decode(self._process.stdout):
            if message["kind"] != "done":
                self._on_report(message)
            elif (done := self._done.get(message["call"])) is not None:
                done.set()
        code = self._process.wait()
        for done in list(self._done.values()):
            done.set_exception(CallerHostDied(f"caller host {self.name} ended with code {code}"))


class CallerHosts:
    """Starts as many hosts as the calls need, for up to `per_host` calls each."""

    def __init__(
        self,
        settings: Callable[[str], HostSettings],
        on_report: Callable[[Message], None],
        per_host: int,
    ) -> None:
        self._settings = settings
        self._on_report = on_report
        self._per_host = per_host
        self._hosts: list[CallerHost] = []
        self._started = 0

    @property
    def calls(self) -> int:
        """Number of calls under way."""
        return sum(host.calls for host in self._hosts)

    def call(self, name: str) -> None:
        """Place a call on a host with capacity for it. Raises CallerHostDied."""
        self._host().call(name)

    def wind_down(self) -> None:
        """End every call after its current turn."""
        for host in self._hosts:
            host.wind_down()

    def stop(self) -> None:
        """End all processes."""
        gevent.joinall([gevent.spawn(host.stop) for host in self._hosts], raise_error=True)
        self._hosts.clear()

    def _host(self) -> CallerHost:
        self._hosts = [host for host in self._hosts if host.alive or host.calls]
        free = [host for host in self._hosts if host.alive and host.calls < self._per_host]
        if free:
            return max(free, key=lambda host: host.calls)
        self._started += 1
        host = CallerHost(self._settings(f"host-{self._started}"), self._on_report)
        self._hosts.append(host)
        return host
