"""Offered jobs, and the server, leases and clock of an admission under test."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

from livekit import api
from livekit.agents import AgentServer, JobRequest
from livekit.agents.job import JobAcceptArguments

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.job import JobTarget
from agent_runtime.domain.lease import Holder
from agent_runtime.domain.ports.agents import TextIdRegistry
from agent_runtime.domain.ports.sessions import LeaseStore
from agent_runtime.voice.jobs.metadata import direct_dispatch_room
from agent_runtime.voice.worker.admission import Admission

JOBS = itertools.count(1)
METADATA = JobTarget(7, "abc", 3).to_metadata()


class Server(AgentServer):
    """An agent server whose running jobs the test sets: offered ones, and those of direct dispatch."""

    jobs: tuple[str, ...] = ()
    direct: tuple[str, ...] = ()

    @property
    def active_jobs(self) -> list[object]:  # type: ignore[override]
        """One for each id."""
        offered = [api.Job(id=job) for job in self.jobs]
        direct = [
            api.Job(id="job-1", room=direct_dispatch_room("a", "{}", holder))
            for holder in self.direct
        ]
        return [SimpleNamespace(job=job) for job in (*offered, *direct)]


class Leases:
    """A lease store that records what it is given, and raises `error` if there is one."""

    def __init__(self, error: Exception | None = None, lost_by: str | None = None) -> None:
        self.error = error
        self.dispatches = 1
        self._lost_by = lost_by
        self.claimed: list[tuple[str, Holder]] = []
        self.refused: list[str] = []
        self.released: list[tuple[str, Holder]] = []
        self.on_claim: Callable[[], None] = lambda: None

    async def claim(self, session_id: str, holder: Holder) -> int:
        """Record the claim, or fail."""
        if self.error is not None:
            raise self.error
        self.claimed.append((session_id, holder))
        self.on_claim()
        return self.dispatches

    async def release(self, session_id: str, holder: Holder, _why: str) -> bool:
        """Record the release, or fail."""
        if self.error is not None:
            raise self.error
        self.released.append((session_id, holder))
        return True

    async def lost_by(self, _session_id: str) -> str | None:
        """Return the worker that lost the session."""
        return self._lost_by

    async def mark_refused(self, session_id: str) -> None:
        """Record the refusal."""
        self.refused.append(session_id)


class Clock:
    """A clock that stands still until the test advances it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return seconds."""
        return self.now


def new_server() -> Server:
    """Return a server without jobs, whose LiveKit is never contacted."""
    return Server(ws_url="ws://127.0.0.1:1", api_key="key", api_secret="secret")


class TextIds:
    """The text ids of a platform that imported one agent, "clinic"."""

    async def number(self, text_id: str) -> int | None:
        """The number of the text."""
        return 1_000_000_000 if text_id == "clinic" else None


class AwayTextIds:
    """Text ids in a database that is away."""

    async def number(self, _text_id: str) -> int | None:
        """Raise StoreUnavailable."""
        raise StoreUnavailable("away")


def admission_of(
    server: Server, most: int = 2, leases: Leases | None = None, clock: Clock | None = None
) -> Admission:
    """Return the admission of "worker-one", which takes `most` calls without a limit of CPU pressure."""
    admission = Admission(server, "worker-one", most, 100, clock=clock or Clock())
    admission.claims.leases = cast("LeaseStore | None", leases)
    admission.text_ids = cast("TextIdRegistry", TextIds())
    return admission


class Offer:
    """One offered job; `answer` is how it was accepted, or True (for good) or False for a refusal."""

    def __init__(self, room: str, metadata: str = "") -> None:
        job = api.Job(id=f"AJ_{next(JOBS)}", room=api.Room(name=room), metadata=metadata)
        self.answer: JobAcceptArguments | bool | None = None
        self.request = JobRequest(job=job, on_reject=self._reject, on_accept=self._accept)

    async def _reject(self, terminate: bool) -> None:
        self.answer = terminate

    async def _accept(self, arguments: JobAcceptArguments) -> None:
        self.answer = arguments
