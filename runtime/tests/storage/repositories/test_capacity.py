"""An agent never holds more sessions than its maximum, however many requests come at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from agent_runtime.domain.agents.agent import AgentStatus, Registration
from agent_runtime.domain.errors import AgentAtCapacity, AgentNotRegistered
from agent_runtime.domain.session import SessionStatus, new_session
from agent_runtime.storage import RegisteredAgents, StoredSessions

CREATOR = Path(__file__).parent / "programs" / "creator.py"


async def create_many(sessions: StoredSessions, how_many: int) -> Counter[str]:
    """Create sessions of agent 7 at the same time; returns the number of each outcome."""

    async def one() -> str:
        try:
            await sessions.create(new_session(7, 1, ""))
        except AgentAtCapacity as error:
            return str(error)
        return "created"

    return Counter(await asyncio.gather(*(one() for _ in range(how_many))))


def create_from_two_processes(url: str, prepare: str) -> list[str]:
    """Let two connected processes create 25 sessions each at once; returns the outcomes."""
    processes = [
        subprocess.Popen(
            [sys.executable, str(CREATOR), url, prepare, "25"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed: list[str] = []
    for process in processes:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        printed += out.split()
    return printed


async def test_capacity_holds_within_a_process(
    agents: RegisteredAgents, sessions: StoredSessions
) -> None:
    """Of 50 concurrent creates for an agent of 10, 10 succeed and 40 get the reason of the refusal."""
    await agents.register(Registration(7, 1, {}, 10))
    outcome = await create_many(sessions, 50)
    assert outcome == {"created": 10, "Agent 7 is at capacity (10 sessions)": 40}
    assert await agents.status(7) == AgentStatus(True, True, 10, 10)


async def test_capacity_holds_over_processes(
    agents: RegisteredAgents, sessions: StoredSessions, url: str, database_kind: str
) -> None:
    """Two processes that share only the database create 10 sessions of an agent of 10 between them."""
    await agents.register(Registration(7, 1, {}, 10))
    prepare = str(database_kind != "postgresql-unprepared")
    printed = await asyncio.to_thread(create_from_two_processes, url, prepare)
    assert Counter(printed) == {"created": 10, "AgentAtCapacity": 40}
    assert len(await sessions.live_sessions()) == 10


async def test_an_end_frees_a_place(agents: RegisteredAgents, sessions: StoredSessions) -> None:
    """An agent at capacity accepts exactly one more session after one has ended, even if it ends twice."""
    await agents.register(Registration(7, 1, {}, 2))
    first = new_session(7, 1, "")
    await sessions.create(first)
    await sessions.create(new_session(7, 1, ""))
    with pytest.raises(AgentAtCapacity):
        await sessions.create(new_session(7, 1, ""))
    await sessions.finish(first.session_id, SessionStatus.ERROR)
    await sessions.finish(first.session_id, SessionStatus.ERROR)
    assert (await create_many(sessions, 5))["created"] == 1


async def test_refused_sessions_leave_nothing(
    agents: RegisteredAgents, sessions: StoredSessions
) -> None:
    """A refused session leaves no row, whether its agent is at capacity or unknown."""
    await agents.register(Registration(7, 1, {}, 0))
    full, unknown = new_session(7, 1, ""), new_session(8, 1, "")
    with pytest.raises(AgentAtCapacity):
        await sessions.create(full)
    with pytest.raises(AgentNotRegistered):
        await sessions.create(unknown)
    assert await sessions.get(full.session_id) is None
    assert await sessions.get(unknown.session_id) is None


async def test_automatic_sessions_need_no_registration(
    agents: RegisteredAgents, sessions: StoredSessions
) -> None:
    """Concurrent automatic sessions of an unregistered agent stay within the given limit."""
    outcomes = await asyncio.gather(
        *(sessions.create_automatic(new_session(8, 1, ""), 3) for _ in range(10)),
        return_exceptions=True,
    )
    assert outcomes.count(None) == 3
    assert sum(isinstance(outcome, AgentAtCapacity) for outcome in outcomes) == 7
    assert await agents.status(8) == AgentStatus()
