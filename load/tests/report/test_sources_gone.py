"""A source that is unreadable after a run costs only its own samples, and makes the results partial."""

import http.client
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from load import messages
from load.messages import JOURNAL, Message, of_kind
from load.report.results import results_of
from load.report.sources import runtime_metrics as rows
from load.report.sources import wire
from load.report.sources.enrich import enriched
from load.runs import locust_process as runner
from load.runs.locust_process import run_locust
from load.services import Services
from load.tests.journals import call, plan, turn, whole_run

SERVICES = Services("http://127.0.0.1:9", "", "ws://127.0.0.1:9", "key", "secret")


def with_sessions() -> list[Message]:
    """Two calls with sessions."""
    calls = [*call(), *call("c-2")]
    return [message | ({"session": "s"} if "session" in message else {}) for message in calls]


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("unable to open database file"),
        psycopg2.OperationalError("server closed the connection unexpectedly\n\tThis means ..."),
        AssertionError("session s has 2 rows of figures"),
        KeyError("avg_stt_latency"),
    ],
)
async def test_a_database_that_cannot_be_read_makes_the_results_partial(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """An unreadable database makes the results partial, after one try: each might take long to fail."""
    sessions_read: list[str] = []

    async def fails(_url: str, session: str) -> dict[Any, float]:
        sessions_read.append(session)
        raise error

    monkeypatch.setattr(rows, "of_database", fails)
    journal = [plan(database="sqlite:///gone"), *with_sessions(), *whole_run()[1:]]
    more = await enriched(journal)
    assert len(sessions_read) == 1
    [why] = [message["why"] for message in of_kind(more, messages.TROUBLE)]
    assert why.startswith("the runtime's own metrics are missing: ")
    assert "\n" not in why
    assert results_of([*journal, *more])["partial"]


@pytest.mark.parametrize(
    "error", [OSError("gone"), ValueError("no JSON"), http.client.IncompleteRead(b"")]
)
async def test_recordings_that_cannot_be_read_make_the_results_partial(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Unreadable recordings of the stand-ins make the results partial, whatever the error."""

    def fails(_url: str) -> dict[str, Any]:
        raise error

    monkeypatch.setattr(wire, "recordings", fails)
    [trouble] = await enriched([plan(stand_ins="http://127.0.0.1:9"), turn()])
    assert trouble["why"].startswith("the stand-ins' recordings are missing: ")


async def test_recordings_of_something_else_make_the_results_partial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """JSON of another server in the place of the recordings makes the results partial."""
    monkeypatch.setattr(wire, "recordings", lambda _url: {})
    [trouble] = await enriched([plan(stand_ins="http://127.0.0.1:9"), turn()])
    assert trouble["why"].startswith("the stand-ins' recordings are missing: ")


@pytest.mark.parametrize("code", [1, 3, -9])
@pytest.mark.parametrize("journal", [True, False])
def test_a_run_without_results_is_unusable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, journal: bool
) -> None:
    """A run without results exits with 2: 1 would mean that a threshold was missed."""
    popen = subprocess.Popen
    dies = f"import os, sys; os.kill(os.getpid(), 9) if {code} < 0 else sys.exit({code})"
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: popen([sys.executable, "-c", dies]))
    monkeypatch.setattr(runner, "report", lambda *_: 1)
    if journal:
        (tmp_path / JOURNAL).write_text("")
    assert run_locust([], SERVICES, tmp_path, threading.Event()) == 2
