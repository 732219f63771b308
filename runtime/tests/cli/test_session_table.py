"""The commands about sessions, as an operator reads them at a terminal."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent_runtime.cli.session_table import event_line, table
from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.lease import Event, Holder, LiveSession, Phase
from agent_runtime.domain.session import new_session
from fixtures.stack.stack import command

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def live(age: float, phase: Phase, holder: Holder | None = None) -> LiveSession:
    """A session of this age, in seconds."""
    session = new_session(7, 3, "lobby", now=NOW - timedelta(seconds=age))
    return LiveSession(session, phase, holder, 1, 1, heartbeat_at=NOW - timedelta(seconds=0.4))


def test_the_table_shows_phase_place_and_worker() -> None:
    """Places in the queue count from one; a session with its agent has none."""
    talking = live(3700, Phase.TALKING, Holder("AJ_1", "worker-one"))
    lost = replace(live(75, Phase.WAITING), lost_by="worker-two")
    lines = table([talking, lost, live(3, Phase.ASKED)], NOW)
    assert lines[0].split() == [
        *("SESSION", "AGENT", "ROOM", "STATUS", "PHASE", "AGE", "PLACE", "WORKER", "HEARTBEAT")
    ]
    assert lines[1].split()[4:] == ["talking", "1h01m", "-", "worker-one", "0.4s"]
    assert lines[2].split(maxsplit=7)[4:] == ["waiting", "1m15s", "1", "(lost by worker-two)  -"]
    assert lines[3].split()[4:] == ["asked", "3.0s", "2", "-", "-"]


def test_an_empty_table_is_a_sentence() -> None:
    """Without live sessions the table is one line of words, not a header without rows."""
    assert table([], NOW) == ["no live sessions"]


def test_an_event_is_one_line() -> None:
    """An event is one line of time, kind and detail."""
    event = Event(NOW, "claimed", "AJ_1 on worker-one")
    assert event_line(event) == "2026-11-21T12:00:00.000Z  claimed   AJ_1 on worker-one"


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `agent-runtime` on a database of its own."""
    environ = {"DATABASE_URL": f"sqlite:///{tmp_path / 'test.sqlite3'}", "LOG_FORMAT": "json"}
    return subprocess.run(
        [command(), *arguments],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_commands_on_a_fresh_database(tmp_path: Path) -> None:
    """On a fresh database no session is live, all invariants hold, and no session is found."""
    assert run(tmp_path, "sessions").stdout == "no live sessions\n"
    doctor = run(tmp_path, "doctor")
    assert (doctor.returncode, doctor.stdout) == (0, "all invariants hold\n")
    follow = run(tmp_path, "sessions", "--follow", "nobody")
    assert (follow.returncode, follow.stderr) == (1, "agent-runtime: Session nobody not found\n")


def test_an_unavailable_database_is_one_line(tmp_path: Path) -> None:
    """A command without its database ends with one line that says what is wrong and what to do."""
    environ = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    result = subprocess.run(
        [command(), "doctor"],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    last = result.stderr.splitlines()[-1]
    assert last.startswith("agent-runtime: database: ")
    assert last.endswith(StoreUnavailable.remedy)
