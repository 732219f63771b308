"""`agent-runtime serve`: API and worker as one process tree."""

import asyncio
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from agent_runtime.cli import serve
from agent_runtime.cli.serve import STARTED_AFTER
from fixtures.processes.logged_process import LoggedProcess
from fixtures.servers import livekit_server
from fixtures.stack import Stack, StackSettings
from fixtures.stack.stack import API_READY, WORKER_READY, command

pytestmark = pytest.mark.services


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[tuple[LoggedProcess, Stack]]:
    """A running `serve`, and the stack with its settings."""
    with livekit_server(tmp_path) as livekit:
        stack = Stack(
            StackSettings(
                livekit_url=livekit.url,
                livekit_api_key=livekit.api_key,
                livekit_api_secret=livekit.api_secret,
                database_url=f"sqlite:///{tmp_path / 'serve.sqlite3'}",
                log_folder=tmp_path,
                warm_processes=1,
            )
        )
        process = LoggedProcess("serve", [command(), "serve"], stack.environ, tmp_path / "log")
        try:
            process.wait_for(API_READY)
            process.wait_for(WORKER_READY, 60)
            yield process, stack
        finally:
            process.stop()


def test_one_signal_stops_both(serving: tuple[LoggedProcess, Stack]) -> None:
    """SIGTERM to the parent ends API and worker, exit code 0, no process left."""
    process, _ = serving
    tree = process.tree()
    process.send(signal.SIGTERM)
    assert process.wait() == 0
    _, alive = psutil.wait_procs(tree, timeout=10)
    assert alive == []


def test_an_api_that_dies_is_restarted(serving: tuple[LoggedProcess, Stack]) -> None:
    """An API that is killed is restarted while the worker keeps running; a signal stops both."""
    process, _ = serving
    api, worker = (
        next(p for p in process.tree() if part in p.cmdline() and p.ppid() == process.pid)
        for part in ("api", "worker")
    )
    time.sleep(STARTED_AFTER)  # so that it counts as started
    since = process.mark()
    api.kill()
    process.wait_for("api ended by itself with exit code -9, restarting it", since=since)
    process.wait_for(API_READY, since=since)
    assert worker.is_running()
    process.send(signal.SIGTERM)
    assert process.wait() == 0


def test_an_api_that_cannot_start_ends_both(serving: tuple[LoggedProcess, Stack]) -> None:
    """When the API cannot start because its port is taken, `serve` exits with code 1."""
    first, stack = serving
    log = first.log_path.with_name("second")
    environ = {**stack.environ, "WORKER_HEALTH_PORT": "0"}
    second = LoggedProcess("second", [command(), "serve"], environ, log)
    try:
        second.wait_for("api ended by itself with exit code [1-9]")
        assert second.wait() == 1
    finally:
        second.stop()


def test_the_worker_dies_both_end(serving: tuple[LoggedProcess, Stack]) -> None:
    """When the worker is killed, the API ends too and the exit code is 1, so that both restart."""
    process, _ = serving
    tree = process.tree()
    worker = next(p for p in tree if "worker" in p.cmdline() and p.ppid() == process.pid)
    worker.kill()
    process.wait_for("worker start ended by itself")
    assert process.wait() == 1
    _, alive = psutil.wait_procs(tree, timeout=15)
    assert alive == []


def test_the_parent_dies_both_end(serving: tuple[LoggedProcess, Stack]) -> None:
    """When the parent is killed, its children notice and end."""
    process, _ = serving
    tree = process.tree()
    process.send(signal.SIGKILL)
    _, alive = psutil.wait_procs(tree, timeout=20)
    assert alive == []


async def test_a_process_that_cannot_be_created_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When the machine has no process for a restart of the API, the restart is tried again."""
    monkeypatch.setattr(serve, "STARTED_AFTER", 0.0)
    stop, outcomes = asyncio.Event(), iter([-9, OSError("no more processes"), 0])

    async def run() -> int:
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        if outcome == 0:
            stop.set()
        return outcome

    child = cast("Any", SimpleNamespace(run=run))
    async with asyncio.timeout(10):
        assert await serve._run_api(child, stop) == 0
