"""The workers as a watcher sees them: which of them live, and how many calls they would take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agent_runtime.domain.lease import LiveSession, WorkerState

# Seconds after which a worker that says nothing counts no more; it speaks every second.
SILENCE: Final = 4.0


@dataclass
class _Seen:
    instance: WorkerState
    changed_at: float


class Fleet:
    """Judges workers by whether their rows change, not by the times in them."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._now = 0.0

    def see(self, now: float, workers: Iterable[WorkerState]) -> None:
        """Take in what the rows say now."""
        self._now = now
        found: dict[str, _Seen] = {}
        for one in workers:
            seen = self._seen.get(one.name)
            same = seen is not None and seen.instance.beat == one.beat
            found[one.name] = _Seen(one, seen.changed_at if same and seen else now)
        self._seen = found

    @property
    def alive(self) -> list[WorkerState]:
        """The workers that have spoken lately."""
        seen = self._seen.values()
        return [s.instance for s in seen if self._now - s.changed_at <= SILENCE]

    def free(self, live: Iterable[LiveSession] = ()) -> int | None:
        """How many calls they would take; None when there is no word of any worker.

        What they have taken since they spoke, as `live` shows it, is not free any more.
        """
        alive = self.alive
        if not alive:
            return None
        held = Counter(one.holder.worker for one in live if one.holder is not None)
        return sum(max(0, one.free - max(0, held[one.name] - one.active)) for one in alive)

    @property
    def told(self) -> str:
        """Why there is no place, for people."""
        alive = self.alive
        if not alive:
            return "no worker is there"
        active = sum(one.active for one in alive)
        workers = f"{len(alive)} worker{'s' * (len(alive) != 1)}"
        if not self.free():
            return f"all workers are full ({workers}, {active} calls)"
        return f"no worker took it ({workers}, {active} calls)"

    def silent(self, now: float, patience: float) -> list[str]:
        """Names of those that have said nothing for `patience` seconds."""
        return [name for name, s in self._seen.items() if now - s.changed_at > patience]
