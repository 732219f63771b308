"""The rows of the workers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.lease import WorkerState
from agent_runtime.domain.session import SessionStatus, new_session
from agent_runtime.storage import Database, RegisteredAgents, StoredSessions, StoredWorkers

from .holders import HOLDER


async def test_worker_writes_its_state(database: Database) -> None:
    """Each write changes the heartbeat; workers that stopped or of another namespace are not listed."""
    workers, start = StoredWorkers(database, "livekit"), datetime.now(UTC)
    await workers.report(WorkerState("worker-one", "", "running", 1, 4, 9, 17, 300), start)
    (first,) = await workers.all()
    assert (first.active, first.free, first.handled) == (1, 4, 9)
    await workers.report(WorkerState("worker-one", "", "running", 2, 3, 10), start)
    (second,) = await workers.all()
    assert second.beat != first.beat
    assert second.serves is None  # as from a worker of an older version
    serves = {"deepgram": True, "gladia": False}
    await workers.report(WorkerState("worker-one", "", "running", 2, 3, 10, serves=serves), start)
    assert [worker.serves for worker in await workers.all()] == [serves]
    assert await StoredWorkers(database, "elsewhere").all() == []
    await workers.report(WorkerState("worker-one", "", "stopped", 0, 0, 10), start)
    assert await workers.all() == []


async def worker_names(database: Database) -> list[str]:
    """The names of all rows."""
    every = database.dialect.raw("SELECT pod_name FROM agent_runtime_instances ORDER BY pod_name")
    return [name for (name,) in await database.scan(every.bind())]


async def test_old_rows_of_gone_workers_are_deleted(
    database: Database, agents: RegisteredAgents, sessions: StoredSessions
) -> None:
    """Old rows of stopped and lost workers are deleted, one a call; live and foreign ones stay."""
    await agents.register(Registration(7, 3, {}, 10))
    session = new_session(7, 3, "lobby", "Ada")
    await sessions.create(session)
    ours, start = StoredWorkers(database, "livekit"), datetime.now(UTC)
    theirs = StoredWorkers(database, "elsewhere")
    for store, name, status in (
        (ours, "living", "running"),
        (ours, HOLDER.worker, "stopped"),
        (ours, "silent", "running"),
        (theirs, "not-ours", "stopped"),
    ):
        await store.report(WorkerState(name, "", status, 0, 0), start)
    await ours.mark_lost("silent")
    await sessions.activate(session.session_id, HOLDER)
    week = timedelta(days=7)
    await ours.forget(start, week)
    assert await worker_names(database) == ["living", "not-ours", "silent", "worker-one"]
    for left in (3, 2, 2):
        await ours.forget(start + week + timedelta(minutes=1), week)
        assert len(await worker_names(database)) == left
    assert await worker_names(database) == ["living", "not-ours"]
    kept = await sessions.get(session.session_id)
    assert kept is not None
    assert kept.status is SessionStatus.ACTIVE
