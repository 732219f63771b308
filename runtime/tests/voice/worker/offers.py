"""Offers of jobs, and the server and the leases that an admission deals with."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

from livekit import api
from livekit.agents import AgentServer, JobRequest
from livekit.agents.job import JobAcceptArguments

from agent_runtime.domain.job import JobTarget
from agent_runtime.domain.lease import Holder
from agent_runtime.domain.ports.sessions import LeaseStore
from agent_runtime.voice.jobs.metadata import room_with
from agent_runtime.voice.worker.admission import Admission

JOBS = itertools.count(1)
METADATA = JobTarget(7, "abc", 3).to_metadata()


class Server(AgentServer):
    """An agent server that runs the jobs that the test says."""

    jobs: tuple[str, ...] = ()
    unoffered: tuple[str, ...] = ()

    @property
    def active_jobs(self) -> list[object]:  # type: ignore[override]
        """One for each id."""
        offered = [api.Job(id=job) for job in self.jobs]
        rung = [api.Job(id="job-1", room=room_with("a", "{}", holder)) for holder in self.unoffered]
        return [SimpleNamespace(job=job) for job in (*offered, *rung)]


class Leases:
    """The leases of one session, as a store that answers what the test says."""

    def __init__(self, error: Exception | None = None, lost_by: str | None = None) -> None:
        self.error = error
        self.dispatches = 1
        self._lost_by = lost_by
        self.claimed: list[tuple[str, Holder]] = []
        self.waiting: list[str] = []
        self.released: list[tuple[str, Holder]] = []
        self.on_claim: Callable[[], None] = lambda: None

    async def claim(self, session_id: str, holder: Holder) -> int:
        """Remember, or fail."""
        if self.error is not None:
            raise self.error
        self.claimed.append((session_id, holder))
        self.on_claim()
        return self.dispatches

    async def release(self, session_id: str, holder: Holder, _why: str) -> bool:
        """Remember, or fail."""
        if self.error is not None:
            raise self.error
        self.released.append((session_id, holder))
        return True

    async def lost_by(self, _session_id: str) -> str | None:
        """Who lost it."""
        return self._lost_by

    async def mark_refused(self, session_id: str) -> None:
        """Remember."""
        self.waiting.append(session_id)


class Clock:
    """Stands still until the test says otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def admission_of(
    server: Server, most: int = 2, leases: Leases | None = None, clock: Clock | None = None
) -> Admission:
    """What is under test."""
    admission = Admission(server, "worker-one", most, 100, clock=clock or Clock())
    admission.leases = cast("LeaseStore | None", leases)
    return admission


class Offer:
    """One job offered; `answer` is what became of it."""

    def __init__(self, room: str, metadata: str = "") -> None:
        job = api.Job(id=f"AJ_{next(JOBS)}", room=api.Room(name=room), metadata=metadata)
        self.answer: JobAcceptArguments | bool | None = None
        self.request = JobRequest(job=job, on_reject=self._reject, on_accept=self._accept)

    async def _reject(self, terminate: bool) -> None:
        self.answer = terminate

    async def _accept(self, arguments: JobAcceptArguments) -> None:
        self.answer = arguments
