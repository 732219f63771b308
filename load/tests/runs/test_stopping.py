"""Ctrl-C and SIGTERM end the whole of a run, with what it has started."""

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

# Until it is told to end.
LOCUST = """
import os, signal, time
while True:
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(0.2)
"""

SERVES = """
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
    """Of those that were there already the comparison is made; it is no whole one."""
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
    said = capsys.readouterr()
    assert "A: stock, B: ours" in said.out
    assert "stopped after 3 of 10 runs" in said.err


def test_a_stop_before_every_target_had_its_turn_compares_nothing(tmp_path: Path) -> None:
    """And leaves what there is."""
    stopped = threading.Event()

    def run_one(target: str, where: Path) -> int:
        write(where, results_of([plan(target=target), *call(), END]))
        stopped.set()
        return 0

    assert alternate(("stock", "ours"), 5, tmp_path, run_one, stopped) == 2
    assert (tmp_path / "stock-1" / RESULTS).exists()
    assert not (tmp_path / "ours.json").exists()


def test_a_signal_that_locust_gets_stops_the_rounds_after_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is passed on, and remembered."""
    popen, stopped = subprocess.Popen, threading.Event()
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: popen([sys.executable, "-c", LOCUST]))
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        run_locust([], Services("", "", "", "", ""), tmp_path, stopped)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stopped.is_set()


def test_sigterm_stops_the_servers_of_a_run(tmp_path: Path) -> None:
    """Also while they start, before there is a Locust to pass it on to."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVES, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "up\n"
        run.send_signal(signal.SIGTERM)
        assert run.stdout.read() == "down\n"
        assert run.wait(30) == 143
