"""The soak: many runs, counted."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract import soak as soaks
from contract.soak import Result, gate, soak
from contract.tests.another_api.lockers import KEY, Behaviour, Server
from contract.tests.locker_runs import OLD, small_corpus

pytestmark = pytest.mark.services

LOCKERS = "contract.tests.another_api.lockers"
CLEAN = Result(0, (), "digest", 1.0)


def giving(*results: Result) -> tuple[Callable[[Path], Result], list[Path]]:
    """A kind of run with these results, and the folders that its runs got."""
    folders: list[Path] = []

    def run(folder: Path) -> Result:
        assert list(folder.iterdir()) == []
        (folder / "verdict.json").write_text("{}")
        folders.append(folder)
        return results[len(folders) - 1]

    return run, folders


def test_runs_without_alarm_and_with_one_verdict_pass(capsys: pytest.CaptureFixture[str]) -> None:
    """The line of a kind has its alarms, its different verdict files and its times."""
    run, _ = giving(CLEAN, Result(0, (), "digest", 3.0), Result(0, (), "digest", 2.0))
    assert soak("old with old", 3, run)
    assert capsys.readouterr().out == (
        "old with old: 0 false alarms in 3 runs, 1 different verdict files, "
        "1.0 to 3.0 s, median 2.0 s\n"
    )


@pytest.mark.parametrize(
    ("odd", "line"),
    [
        (Result(2, (), "digest", 1.0), "  kind, run 2: 2 clusters "),
        (
            Result(0, ("it hung", "missed a"), "digest", 1.0),
            "  kind, run 2: 0 clusters it hung missed a",
        ),
    ],
    ids=["clusters", "failures"],
)
def test_a_single_alarm_fails_the_kind_and_is_named(
    odd: Result, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One run of many with a cluster or a failure is an alarm, reported with its number."""
    run, _ = giving(CLEAN, odd, CLEAN)
    assert not soak("kind", 3, run)
    first, last = capsys.readouterr().out.splitlines()
    assert first == line
    assert last.startswith("kind: 1 false alarms in 3 runs, 1 different")


def test_two_different_verdict_files_fail_the_kind(capsys: pytest.CaptureFixture[str]) -> None:
    """Runs without alarm whose files differ in a byte prove that the gate is not stable."""
    run, _ = giving(CLEAN, Result(0, (), "other", 1.0))
    assert not soak("kind", 2, run)
    assert "0 false alarms in 2 runs, 2 different verdict files" in capsys.readouterr().out


def test_every_run_has_a_fresh_folder_that_is_gone_afterwards() -> None:
    """No run sees the files of another, and hundreds of runs leave nothing behind."""
    run, folders = giving(CLEAN, CLEAN)
    assert soak("kind", 2, run)
    assert len(set(folders)) == 2
    assert not any(folder.exists() for folder in folders)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded scenarios of the lockers."""
    return asyncio.run(small_corpus(tmp_path_factory.mktemp("soak") / "corpus"))


@pytest.fixture
def servers(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[str]]]:
    """Starts lockers of some behaviours and gives the arguments of a comparison of the first two."""
    monkeypatch.setenv("LOCKERS_CORPUS", str(corpus))
    started: list[Server] = []

    def start(*behaviours: Behaviour) -> list[str]:
        started.extend(Server(behaviour) for behaviour in behaviours)
        old, new = (server.url for server in started)
        api = ["--api", LOCKERS, "--key", KEY]
        return ["compare", "--old", old, "--new", new, *api]

    yield start
    for server in started:
        server.stop()


def test_runs_are_read_from_verdict_files_that_are_equal(
    servers: Callable[..., list[str]], tmp_path: Path
) -> None:
    """Two runs of the real gate give the same clusters, and verdict files with the same hash."""
    arguments = servers(OLD, OLD)
    first, second = (gate(tmp_path / name, *arguments) for name in ("a", "b"))
    assert first.clusters > 0  # the ledger demands a departure of the new service
    assert (first.clusters, first.digest) == (second.clusters, second.digest)
    assert (first.failures, len(first.digest)) == ((), 64)
    assert first.seconds > 0


def test_a_broken_run_is_a_failure_of_the_soak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that cannot begin has the gate's own cause among its failures."""
    monkeypatch.setenv("LOCKERS_CORPUS", str(tmp_path / "missing"))
    found = gate(tmp_path, "compare", "--api", LOCKERS)
    assert found.failures[0].startswith(f"no corpus at {tmp_path}")
    assert len(found.digest) == 64


def test_a_run_without_verdict_is_a_failure_of_the_soak(tmp_path: Path) -> None:
    """When the gate ends before it can judge, its last words are the failure."""
    found = gate(tmp_path, "no-such-command", "--api", LOCKERS)
    assert (found.clusters, found.digest) == (0, "")
    assert found.failures[0].startswith("no verdict: ")
    assert "invalid choice" in found.failures[0]


def test_a_soak_without_runs_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no run of any kind nothing was proven, so the exit code is not 0."""
    monkeypatch.setattr(sys, "argv", ["soak", "--runs", "0", "--whole", "0"])
    assert soaks.main() == 1
