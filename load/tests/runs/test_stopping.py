"""Ctrl-C and SIGTERM end a whole run and all processes that it started."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from load.metrics import Metric
from load.report.results import RESULTS, read_results, results_of
from load.report.write import write
from load.runs.alternate import alternate
from load.runs.locust_process import run_locust
from load.services import Services
from load.tests.journals import END, call, plan, sample

ROOT = Path(__file__).parents[3]

# Sends SIGTERM to its parent until it is ended itself.
LOCUST = """
import os, signal, time
while True:
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(0.2)
"""

STARTS_SERVERS = """
import sys, time
from contextlib import contextmanager
import load.__main__ as load

@contextmanager
def services(_folder):
    try:
        print("up", flush=True)
        time.sleep(60)
        yield
    finally:
        print("down", flush=True)

load.local_services = services
sys.exit(load.main(["--reports", sys.argv[1]]))
"""


def test_a_stop_ends_all_rounds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stop ends all rounds; those that have run are compared, and the exit code is 2."""
    stopped = threading.Event()
    order = []

    def run_one(target: str, where: Path) -> int:
        order.append(where.name)
        voices = [sample(Metric.VOICE_TO_VOICE, ms) for ms in (800, 900)]
        write(where, results_of([plan(target=target), *call(), *voices, END]))
        if len(order) == 3:
            stopped.set()
        return 0

    assert alternate(("stock", "ours"), 5, tmp_path, run_one, stopped) == 2
    assert order == ["stock-1", "ours-1", "ours-2"]
    assert read_results(tmp_path / "ours.json")["calls"]["whole"] == 2
    output = capsys.readouterr()
    assert "A: stock, B: ours" in output.out
    assert "stopped after 3 of 10 runs" in output.err


def test_a_stop_in_the_first_round_compares_nothing(tmp_path: Path) -> None:
    """A stop before every target has run compares nothing, and keeps the results so far."""
    stopped = threading.Event()

    def run_one(target: str, where: Path) -> int:
        write(where, results_of([plan(target=target), *call(), END]))
        stopped.set()
        return 0

    assert alternate(("stock", "ours"), 5, tmp_path, run_one, stopped) == 2
    assert (tmp_path / "stock-1" / RESULTS).exists()
    assert not (tmp_path / "ours.json").exists()


def test_a_signal_to_locust_stops_later_rounds_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal is forwarded to Locust, and also stops the rounds after it."""
    popen, stopped = subprocess.Popen, threading.Event()
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: popen([sys.executable, "-c", LOCUST]))
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        run_locust([], Services("", "", "", "", ""), tmp_path, stopped)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stopped.is_set()


def test_sigterm_stops_the_servers_of_a_run(tmp_path: Path) -> None:
    """SIGTERM stops the servers of a run, also while they start and there is no Locust yet."""
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_SERVERS, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "up\n"
        run.send_signal(signal.SIGTERM)
        assert run.stdout.read() == "down\n"
        assert run.wait(30) == 143
