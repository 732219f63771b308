"""Distributed runs: Locust's master and its workers, all on this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.processes.ports import free_ports
from fixtures.processes.spawn import spawn
from load.report.results import read_results
from load.tests.fake_api import FakeApi, fake_api
from load.tests.processes import kill

pytestmark = pytest.mark.services

ROOT = Path(__file__).parents[3]
LOCUST = [sys.executable, "-m", "locust", "-f", "load/locustfile.py"]


@contextmanager
def distributed(
    server: FakeApi, folder: Path, seconds: int
) -> Iterator[tuple[subprocess.Popen[bytes], list[subprocess.Popen[bytes]]]]:
    """Run a master and two workers with two callers; kill all their processes at the end."""
    port = str(free_ports(1)[0])
    plan = [
        "--headless", "--expect-workers", "2", "-u", "2", "-r", "2", "-t", f"{seconds}s",
        "--load-api", f"http://{server.address_text}",
        "--load-livekit", f"ws://{server.address_text}", "--load-livekit-key", "key",
        "--load-livekit-secret", "secret" * 6, "--load-scenario", "short",
        "--load-reports", str(folder),
    ]  # fmt: skip
    # Workers get the --load-* options from the master only.
    commands = [
        [*LOCUST, "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, *plan],
        *[[*LOCUST, "--worker", "--master-host", "127.0.0.1", "--master-port", port]] * 2,
    ]
    with (folder / "log").open("w") as log:
        processes = [spawn(command, cwd=ROOT, stdout=log, stderr=log) for command in commands]
    try:
        yield processes[0], processes[1:]
    finally:
        for process in processes:
            kill(process)


def test_the_master_s_report_has_samples_of_all_workers(tmp_path: Path) -> None:
    """Workers get the options from the master, and its report has the samples of all workers."""
    with fake_api() as server, distributed(server, tmp_path, 8) as (master, workers):
        assert master.wait(90) == 0, (tmp_path / "log").read_text()
        assert [worker.wait(30) for worker in workers] == [0, 0]
    found = read_results(tmp_path / "results.json")
    assert found["plan"]["distributed"]
    assert not found["partial"], found["partial_because"]
    assert found["stages"]["create"]["errors"] > 0
    assert len({sample["worker"] for sample in found["samples"]}) == 2
    assert len({second["worker"] for second in found["machine_by_second"]}) == 2


def test_a_worker_that_is_lost_marks_the_report_partial(tmp_path: Path) -> None:
    """When a worker is lost, its reports are kept, the others go on, and the report is partial."""
    with fake_api() as server, distributed(server, tmp_path, 14) as (master, workers):
        assert server.create_received.wait(60)
        kill(workers[0])
        assert master.wait(90) == 2, (tmp_path / "log").read_text()
    found = read_results(tmp_path / "results.json")
    assert "load workers that were lost: 1" in found["partial_because"]
    assert found["stages"]["create"]["errors"] > 0
