"""The workers as an API process sees them: which are alive, and how many calls they have capacity for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agent_runtime.domain.lease import LiveSession, WorkerState

# Seconds without a report after which a worker counts as not alive; a worker reports every second.
MAX_SILENCE: Final = 4.0


@dataclass
class _Observed:
    worker: WorkerState
    changed_at: float


class Fleet:
    """Judges workers by whether their rows change, never by the times in the rows."""

    def __init__(self) -> None:
        self._observed: dict[str, _Observed] = {}
        self._now = 0.0

    def observe(self, now: float, workers: Iterable[WorkerState]) -> None:
        """Take in the workers' rows as they are at `now`, in seconds of a clock that is never set back."""
        self._now = now
        current: dict[str, _Observed] = {}
        for worker in workers:
            before = self._observed.get(worker.name)
            same = before is not None and before.worker.beat == worker.beat
            current[worker.name] = _Observed(worker, before.changed_at if same and before else now)
        self._observed = current

    @property
    def alive(self) -> list[WorkerState]:
        """The workers that have reported within MAX_SILENCE."""
        return [
            one.worker
            for one in self._observed.values()
            if self._now - one.changed_at <= MAX_SILENCE
        ]

    def free_capacity(self, live: Iterable[LiveSession] = ()) -> int | None:
        """How many calls the living workers would take; None when no worker has reported.

        Sessions in `live` that a worker took after its last report reduce the capacity it reported.
        """
        alive = self.alive
        if not alive:
            return None
        held = Counter(one.holder.worker for one in live if one.holder is not None)
        return sum(max(0, one.free - max(0, held[one.name] - one.active)) for one in alive)

    def why_no_agent(self) -> str:
        """Why no worker serves a session, for the session's reason and the log."""
        alive = self.alive
        if not alive:
            return "no worker is there"
        active = sum(one.active for one in alive)
        workers = f"{len(alive)} worker{'s' * (len(alive) != 1)}"
        if not self.free_capacity():
            return f"all workers are full ({workers}, {active} calls)"
        return f"no worker took it ({workers}, {active} calls)"

    def silent(self, now: float, seconds: float) -> list[str]:
        """Names of the workers that have not reported for more than `seconds`."""
        return [name for name, one in self._observed.items() if now - one.changed_at > seconds]
