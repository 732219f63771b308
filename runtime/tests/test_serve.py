"""`agent-runtime serve`: API and worker as one process tree."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fixtures.servers import livekit_server
from fixtures.servers.process import LoggedProcess
from fixtures.stack import Stack, StackSettings
from fixtures.stack.stack import API_READY, WORKER_READY, command


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[tuple[LoggedProcess, Stack]]:
    """A running `serve`, and the stack whose settings it has."""
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


def test_one_dies_both_end(serving: tuple[LoggedProcess, Stack]) -> None:
    """When the worker is killed the API ends too and the exit code says so: a restart mends both."""
    process, _ = serving
    tree = process.tree()
    worker = next(p for p in tree if "worker" in p.cmdline() and p.ppid() == process.pid)
    worker.kill()
    process.wait_for("worker start ended by itself")
    assert process.wait() == 1
    _, alive = psutil.wait_procs(tree, timeout=15)
    assert alive == []


def test_the_parent_dies_both_end(serving: tuple[LoggedProcess, Stack]) -> None:
    """When the parent is killed without a word, its children notice and end."""
    process, _ = serving
    tree = process.tree()
    process.send(signal.SIGKILL)
    _, alive = psutil.wait_procs(tree, timeout=20)
    assert alive == []
