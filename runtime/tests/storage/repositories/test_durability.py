"""An acknowledged write survives the process that made it."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg2

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.session import SessionStatus
from agent_runtime.storage import RegisteredAgents, StoredSessions

WRITER = Path(__file__).parent / "programs" / "writer.py"
ROUNDS = 5  # writers that are killed
LINES = 120  # acknowledgements to read before each kill


def backends(url: str) -> set[int]:
    """The ids of PostgreSQL's processes that serve this database's clients; SQLite has none."""
    if not url.startswith("postgres"):
        return set()
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )
        return {pid for (pid,) in cursor.fetchall()}


def write_until_killed(url: str) -> list[str]:
    """Start the writer and kill it in the middle of its work; returns the lines that it printed."""
    before = backends(url)
    writer = subprocess.Popen([sys.executable, str(WRITER), url], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    lines = [writer.stdout.readline() for _ in range(LINES)]
    writer.kill()
    # Not by `communicate`, which ignores the lines that `readline` has buffered.
    rest = writer.stdout.read()
    writer.wait(timeout=30)
    # The server finishes the statements it has received before it notices that the client is gone.
    until = time.monotonic() + 30
    while backends(url) - before:
        assert time.monotonic() < until, "PostgreSQL still serves a client that was killed"
    # A last line that is cut off acknowledged nothing.
    return [*lines, *(line for line in rest.splitlines(keepends=True) if line.endswith("\n"))]


async def test_acknowledged_is_there_and_the_rest_whole_or_absent(
    agents: RegisteredAgents, sessions: StoredSessions, url: str
) -> None:
    """A kill loses no acknowledged write and leaves no other write half done."""
    await agents.register(Registration(7, 1, {}, 1_000))
    acknowledged: set[str] = set()
    for _ in range(ROUNDS):
        lines = write_until_killed(url)
        assert len(lines) >= LINES
        for line in lines:
            event, session_id = line.split()
            session = await sessions.get(session_id)
            assert session is not None, line
            if event == "ended":
                assert (session.status, session.reason) == (SessionStatus.ENDED, "done")
                acknowledged.add(session_id)
    live = await sessions.live_sessions()
    assert not acknowledged & {session.session_id for session in live}
    # A live row without its session would be missing in this list, but not in that count.
    assert all(session.status is SessionStatus.CONNECTING for session in live)
    assert (await agents.status(7)).active_sessions == len(live)
