"""Load runs against failing services: they report the failure, do not hang, and keep their samples."""

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

pytestmark = pytest.mark.services

ROOT = Path(__file__).parents[3]
HOST = "load.caller_host"


@contextmanager
def load(server: FakeApi, folder: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Start a load run against the fake; kill all its processes at the end."""
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
    """The process of the run with this word in its command line."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for each in tree(process):
            try:
                if word in each.cmdline():
                    return each
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
        time.sleep(0.1)
    raise AssertionError(f"no process has {word} in its command line")


def ended(process: subprocess.Popen[str], timeout: float = 60) -> tuple[int, str]:
    """Wait for the run; its exit code and standard error."""
    errors = process.communicate(timeout=timeout)[1]
    return process.returncode, errors


def results(folder: Path) -> dict[str, Any]:
    """The results of the run."""
    return read_results(folder / "results.json")


def test_failures_of_api_and_livekit_are_counted(
    tmp_path: Path,
) -> None:
    """A failing API and LiveKit are errors of create and join, with reasons, and the run ends in time."""
    with fake_api() as server, load(server, tmp_path, "--minutes", "0.15") as run:
        code, output = ended(run)
        # Failed calls alone do not change the exit code; only thresholds do.
        assert code == 0, output
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
    assert "500: broken on purpose" in output


def test_a_missed_threshold_exits_with_1(tmp_path: Path) -> None:
    """A run that misses a threshold exits with 1 and reports which."""
    thresholds = tmp_path / "t.yaml"
    thresholds.write_text("stages: {create: {errors: 0}}\n")
    more = ("--minutes", "0.1", "--thresholds", str(thresholds))
    with fake_api() as server, load(server, tmp_path / "run", *more) as run:
        code, output = ended(run)
    assert code == 1, output
    assert "MISSED   create: " in output
    assert results(tmp_path / "run")["missed"]


def kill_host(run: subprocess.Popen[str]) -> None:
    """Kill the caller host."""
    find(run, HOST).kill()


def kill_locust(run: subprocess.Popen[str]) -> None:
    """Kill Locust, which then writes no report."""
    find(run, "locust").kill()


def interrupt(run: subprocess.Popen[str]) -> None:
    """Press Ctrl-C."""
    run.send_signal(signal.SIGINT)


@pytest.mark.parametrize(
    ("disturb", "reason"),
    [
        (kill_host, "calls were killed midway"),
        (kill_locust, "the run was killed before its end"),
        (interrupt, "the run was stopped after"),
    ],
)
def test_a_run_killed_midway_keeps_partial_results(
    tmp_path: Path, disturb: Callable[[subprocess.Popen[str]], None], reason: str
) -> None:
    """A run killed midway does not hang, leaves no process, and reports partial results and why."""
    with fake_api(hangs=True) as server, load(server, tmp_path, "--minutes", "0.2") as run:
        assert server.create_received.wait(30)
        family = tree(run)
        disturb(run)
        # The fake answers now: the run waits for calls under way, which would never end.
        server.released.set()
        code, output = ended(run, 100)
        assert code != 0
        assert not psutil.wait_procs(family, timeout=15)[1]
    found = results(tmp_path)
    assert found["partial"]
    assert reason in " ".join(found["partial_because"]), output
    assert "PARTIAL" in output


async def test_a_missing_service_is_named(tmp_path: Path) -> None:
    """A service that does not respond is named, with its URL, before the first call."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "load", "--api", "http://127.0.0.1:9", "--livekit", "ws://127.0.0.1:9",
        "--livekit-key", "k", "--livekit-secret", "s", "--reports", str(tmp_path),
        cwd=ROOT, stderr=subprocess.PIPE, env={**os.environ},
    )  # fmt: skip
    output = (await process.communicate())[1].decode()
    assert process.returncode == 2
    assert "the API is not available: http://127.0.0.1:9/health" in output
