"""Starts a target beside our runtime, on the same LiveKit and the same stand-ins."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from fixtures.providers import provider_environ
from fixtures.servers.ports import free_ports
from fixtures.servers.process import LoggedProcess
from load.services import Services

ROOT: Final = Path(__file__).parents[2]


@contextmanager
def stock_services(ours: Services, folder: Path) -> Iterator[Services]:
    """The stock worker and its HTTP paths. Raises ProcessEndedError."""
    port, health = free_ports(2)
    inherited = {k: os.environ[k] for k in ("PATH", "HOME", "LANG") if k in os.environ}
    environ = {
        **inherited,
        **provider_environ(ours.stand_ins),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "LIVEKIT_URL": ours.livekit,
        "LIVEKIT_API_KEY": ours.livekit_key,
        "LIVEKIT_API_SECRET": ours.livekit_secret,
        "PORT": str(port),
        "STOCK_HEALTH_PORT": str(health),
    }

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
        yield replace(ours, api=f"http://127.0.0.1:{port}", database="")
