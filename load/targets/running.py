"""Starts another target on the same LiveKit server and stand-ins as our runtime."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from fixtures.processes.environ import inherited_environ
from fixtures.processes.logged_process import LoggedProcess
from fixtures.processes.ports import free_ports
from fixtures.providers import provider_environ
from load.services import Services
from load.targets.pipecat_venv import pipecat_python

ROOT: Final = Path(__file__).parents[2]

StartTarget = Callable[[Services, Path], AbstractContextManager[Services]]


@contextmanager
def stock_services(ours: Services, folder: Path) -> Iterator[Services]:
    """Run the stock worker and its HTTP paths. Raises ProcessEndedError."""
    port, health = free_ports(2)
    environ = {**_environ(ours, port), "STOCK_HEALTH_PORT": str(health)}

    def start(name: str, *arguments: str) -> LoggedProcess:
        command = [sys.executable, "-m", f"load.targets.{name}", *arguments]
        process = LoggedProcess(name, command, environ, folder / f"{name}.log")
        stack.callback(process.stop)
        return process

    with ExitStack() as stack:
        start("stock_api").wait_for("Running on")
        worker = start("stock", "start")
        worker.wait_for("registered worker", 60)
        worker.wait_for("process initialized", 60)
        yield _at(port, ours)


@contextmanager
def pipecat_services(name: str, ours: Services, folder: Path) -> Iterator[Services]:
    """Run Pipecat with the end of turn `name`. Raises ServiceUnavailable or ProcessEndedError."""
    (port,) = free_ports(1)
    command = [str(pipecat_python()), "-m", "load.targets.pipecat_api", name]
    # No debug messages, as with the stock worker.
    environ = {**_environ(ours, port), "LOGURU_LEVEL": os.environ.get("LOGURU_LEVEL", "INFO")}
    process = LoggedProcess(name, command, environ, folder / f"{name}.log")
    try:
        process.wait_for("Running on", 60)
        yield _at(port, ours)
    finally:
        process.stop()


TARGETS: Final[Mapping[str, StartTarget]] = {
    "stock": stock_services,
    "pipecat": partial(pipecat_services, "pipecat"),
    "pipecat-timeout": partial(pipecat_services, "pipecat-timeout"),
}


def _environ(ours: Services, port: int) -> dict[str, str]:
    return {
        **inherited_environ(),
        **provider_environ(ours.stand_ins),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "LIVEKIT_URL": ours.livekit,
        "LIVEKIT_API_KEY": ours.livekit_key,
        "LIVEKIT_API_SECRET": ours.livekit_secret,
        "PORT": str(port),
    }


def _at(port: int, ours: Services) -> Services:
    return replace(ours, api=f"http://127.0.0.1:{port}", database="")
