"""Caller hosts as seen from Locust: processes that take orders and report, started as calls need them."""

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
STOPS_WITHIN: Final = 20.0  # seconds

logger = logging.getLogger(__name__)


class CallerHostDied(Exception):
    """A caller host ended in the middle of a call."""


class CallerHost:
    """One process; `take` gets each of its reports."""

    def __init__(self, settings: HostSettings, take: Callable[[Message], None]) -> None:
        self.name = settings.name
        self._take = take
        self._done: dict[str, AsyncResult[None]] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "load.caller_host"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for Locust, which lets calls end properly
        )
        self._tell(settings.model_dump_json())
        self._reader = gevent.spawn(self._read)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def calls(self) -> int:
        """How many are under way."""
        return len(self._done)

    @property
    def alive(self) -> bool:
        """Whether it can take another call."""
        return self._process.poll() is None

    def call(self, name: str) -> None:
        """Order a call; returns when all about it has been reported. Raises CallerHostDied."""
        done: AsyncResult[None] = AsyncResult()
        self._done[name] = done
        try:
            self._order("call", call=name)
            done.get()
        finally:
            self._done.pop(name, None)

    def wind_down(self) -> None:
        """Let calls end after the turn that is under way."""
        if self.alive:
            self._order("wind-down")

    def stop(self) -> None:
        """End the process; calls that are under way are cut, and told so."""
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            logger.info("caller host %s was gone already", self.name)
        try:
            self._process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            logger.warning("caller host %s does not end; it is killed", self.name)
            self._process.kill()
            self._process.wait()
        self._reader.join(STOPS_WITHIN)

    def _order(self, word: str, **fields: str) -> None:
        self._tell(json.dumps({"do": word, **fields}))

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise CallerHostDied(f"caller host {self.name} is gone") from error

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        for message in decode(self._process.stdout):
            if message["kind"] != "done":
                self._take(message)
            elif (done := self._done.get(message["call"])) is not None:
                done.set()
        code = self._process.wait()
        for done in list(self._done.values()):
            done.set_exception(CallerHostDied(f"caller host {self.name} ended with code {code}"))


class CallerHosts:
    """As many hosts as calls need, `per_host` calls each."""

    def __init__(
        self,
        settings: Callable[[str], HostSettings],
        take: Callable[[Message], None],
        per_host: int,
    ) -> None:
        self._settings = settings
        self._take = take
        self._per_host = per_host
        self._hosts: list[CallerHost] = []
        self._started = 0

    @property
    def calls(self) -> int:
        """How many are under way."""
        return sum(host.calls for host in self._hosts)

    def call(self, name: str) -> None:
        """Place a call on a host that has room for it. Raises CallerHostDied."""
        self._host().call(name)

    def wind_down(self) -> None:
        """Let all calls end soon."""
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
        host = CallerHost(self._settings(f"host-{self._started}"), self._take)
        self._hosts.append(host)
        return host
