"""Load runs against services that fail: a clear message, no hang, and what was measured is kept."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from fixtures.processes.spawn import spawn
from load.report.results import read_results
from load.tests.fake_api import FakeApi, fake_api
from load.tests.processes import kill, tree

ROOT = Path(__file__).parents[3]
HOST = "load.caller_host"


@contextmanager
def load(server: FakeApi, folder: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A load run against it; ended with all its processes when the context is left."""
    command = [
        sys.executable, "-m", "load", "--api", f"http://{server.address_text}",
        "--livekit", f"ws://{server.address_text}", "--livekit-key", "key",
        "--livekit-secret", "secret" * 6, "--scenario", "short", "--reports", str(folder), *more,
    ]  # fmt: skip
    process = spawn(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        kill(process)


def find(process: subprocess.Popen[str], word: str) -> psutil.Process:
    """The process of the run with that word in its command line."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for each in tree(process):
            try:
                if word in each.cmdline():
                    return each
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
        time.sleep(0.1)
    raise AssertionError(f"no process of {word}")


def ended(process: subprocess.Popen[str], timeout: float = 60) -> tuple[int, str]:
    """Its exit code and what it said."""
    said = process.communicate(timeout=timeout)[1]
    return process.returncode, said


def results(folder: Path) -> dict[str, Any]:
    """What the run left."""
    return read_results(folder / "results.json")


def test_an_api_that_fails_half_of_the_time_and_a_livekit_that_cannot_be_joined(
    tmp_path: Path,
) -> None:
    """Both are counted under their metrics, with words; the run ends in time."""
    with fake_api() as server, load(server, tmp_path, "--minutes", "0.15") as run:
        code, said = ended(run)
        # A failed run is a result; only thresholds judge it.
        assert code == 0, said
    found = results(tmp_path)
    assert not found["partial"], found["partial_because"]
    create, join = found["stages"]["create"], found["stages"]["join"]
    assert create["errors"] > 0
    assert create["count"] > 0
    assert join["count"] == 0
    assert join["errors"] == create["count"]
    errors = {error["stage"]: error["error"] for error in found["errors"]}
    assert errors["create"] == "500: broken on purpose"
    assert "ConnectError" in errors["join"]
    assert "500: broken on purpose" in said


def test_thresholds_end_in_exit_code_1_and_say_which(tmp_path: Path) -> None:
    """No error of a create is allowed here."""
    thresholds = tmp_path / "t.yaml"
    thresholds.write_text("stages: {create: {errors: 0}}\n")
    more = ("--minutes", "0.1", "--thresholds", str(thresholds))
    with fake_api() as server, load(server, tmp_path / "run", *more) as run:
        code, said = ended(run)
    assert code == 1, said
    assert "MISSED   create: " in said
    assert results(tmp_path / "run")["missed"]


def kill_host(run: subprocess.Popen[str]) -> None:
    """The process of the callers is gone."""
    find(run, HOST).kill()


def kill_locust(run: subprocess.Popen[str]) -> None:
    """Locust cannot write a report any more."""
    find(run, "locust").kill()


def interrupt(run: subprocess.Popen[str]) -> None:
    """Somebody has seen enough."""
    run.send_signal(signal.SIGINT)


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (kill_host, "calls were killed midway"),
        (kill_locust, "the run was killed before its end"),
        (interrupt, "the run was stopped after"),
    ],
)
def test_what_was_killed_midway_is_kept_and_marked_partial(
    tmp_path: Path, happens: Callable[[subprocess.Popen[str]], None], words: str
) -> None:
    """No hang, no process left, a report that says what happened."""
    with fake_api(hangs=True) as server, load(server, tmp_path, "--minutes", "0.2") as run:
        assert server.asked.wait(30)
        family = tree(run)
        happens(run)
        # Calls that are under way may end first; here they never would.
        server.over.set()
        code, said = ended(run, 100)
        assert code != 0
        assert not psutil.wait_procs(family, timeout=15)[1]
    found = results(tmp_path)
    assert found["partial"]
    assert words in " ".join(found["partial_because"]), said
    assert "PARTIAL" in said


async def test_services_that_are_not_there_are_named(tmp_path: Path) -> None:
    """Before anybody calls."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "load", "--api", "http://127.0.0.1:9", "--livekit", "ws://127.0.0.1:9",
        "--livekit-key", "k", "--livekit-secret", "s", "--reports", str(tmp_path),
        cwd=ROOT, stderr=subprocess.PIPE, env={**os.environ},
    )  # fmt: skip
    said = (await process.communicate())[1].decode()
    assert process.returncode == 2
    assert "the API is not available: http://127.0.0.1:9/health" in said
