"""The jobs that a worker has accepted: each from its acceptance to the end of its process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from livekit.agents import AgentServer

from agent_runtime.voice.jobs.metadata import holder_of

# Seconds after which to give up on an accepted job that nobody is assigning or starting; the agent server
# itself waits 7.5 s for LiveKit's assignment.
ASSIGNMENT_TIMEOUT: Final = 10.0
# Timed-out jobs to remember, so that one that starts late is recognised. Bounded: a worker runs for months.
MAX_LATE_JOBS: Final = 100


@dataclass
class AcceptedJob:
    """One accepted job: its session, when it was accepted (seconds), and whether its process was seen.

    While it is `awaited`, the agent server is getting its assignment or starting its process, and will
    report how that went. `counted` and `by_promise` record what it used of the worker's capacity, which it
    gives back when another job turns out to have the session.
    """

    session_id: str
    since: float
    seen: bool = False
    awaited: bool = False
    counted: bool = False
    by_promise: bool = False


class AcceptedJobs:
    """The accepted jobs of one worker, by the id under which each holds its session."""

    def __init__(self, server: AgentServer, clock: Callable[[], float]) -> None:
        self.current: dict[str, AcceptedJob] = {}
        self._server = server
        self._clock = clock
        self._late: dict[str, AcceptedJob] = {}

    def __len__(self) -> int:
        """Return the number of current jobs."""
        return len(self.current)

    def add(
        self, job: str, session_id: str, *, counted: bool = False, by_promise: bool = False
    ) -> None:
        """Add a job, or replace one that may have timed out meanwhile."""
        self.discard(job)
        self.current[job] = AcceptedJob(
            session_id, self._clock(), counted=counted, by_promise=by_promise
        )

    def discard(self, job: str) -> AcceptedJob | None:
        """Remove a job whether it has timed out or not; returns it, or None when it is unknown."""
        return self.current.pop(job, None) or self._late.pop(job, None)

    def has_session(self, session_id: str | None) -> bool:
        """Return whether a current job holds this session."""
        return any(job.session_id == session_id for job in self.current.values())

    def started(self) -> dict[str, float]:
        """Return when each current job was accepted, in seconds."""
        return {job: accepted.since for job, accepted in self.current.items()}

    @contextmanager
    def awaiting(self, job: str) -> Iterator[AcceptedJob]:
        """Keep the job from timing out while the agent server is assigning or starting it."""
        accepted = self.current[job]
        accepted.awaited = True
        try:
            yield accepted
        finally:
            accepted.awaited = False

    def remove_vanished(self) -> list[tuple[str, AcceptedJob]]:
        """Remove and return the jobs whose process has ended, or never started in time."""
        if not self.current and not self._late:
            return []  # and a server that has not started yet cannot be asked
        running = {holder_of(info.job) for info in self._server.active_jobs}
        now = self._clock()
        for job in running & self._late.keys():
            # It has started after all, and counts like any other.
            self.current[job] = self._late.pop(job)
        vanished = []
        for job, accepted in list(self.current.items()):
            accepted.seen = accepted.seen or job in running
            timed_out = not accepted.awaited and now - accepted.since > ASSIGNMENT_TIMEOUT
            if job not in running and (accepted.seen or timed_out):
                vanished.append((job, self.current.pop(job)))
                if not accepted.seen:
                    self._late[job] = accepted
        while len(self._late) > MAX_LATE_JOBS:
            del self._late[next(iter(self._late))]
        return vanished
