"""What the events of a session may tell, one after the other: they are written with what they tell of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent_runtime.domain.lease import EventKind

GIVEN_UP = ("no agent within", "the agent was lost and nobody")
TAKEN = {EventKind.CLAIMED, EventKind.TALKING}
FINAL = {EventKind.ENDED, EventKind.ERROR}


@dataclass
class History:
    """One session's. `brought_by` is which dispatch brought each job."""

    session_id: str
    brought_by: Mapping[str, int]
    holder: str | None = None
    dispatches: int = 1
    over: bool = False

    def goes_on(self, kind: str, detail: str) -> str | None:
        """The next event; what is wrong with it, if anything."""
        wrong = f"{self.session_id} is over, and then: {kind} {detail}" if self.over else None
        job = detail.partition(" on ")[0]
        if kind in TAKEN and job != self.holder:
            wrong = self._taken(job)
        elif kind == EventKind.LOST:
            wrong = None if self.holder else f"{self.session_id} was lost by nobody: {detail}"
            self.holder = None
        elif kind == EventKind.ASKED:
            self.dispatches += 1
            wrong = self._unheld("an agent was asked for")
        elif kind in FINAL:
            self.over = True
            wrong = self._unheld(f"it was given up: {detail}") if self._given_up(detail) else wrong
        return wrong

    def _taken(self, job: str) -> str | None:
        before, self.holder = self.holder, job
        if before is not None:
            return f"{job} took {self.session_id} from {before}"
        if self.brought_by[job] != self.dispatches:
            return f"{job} of dispatch {self.brought_by[job]} came after {self.dispatches}"
        return None

    def _unheld(self, what: str) -> str | None:
        return f"{self.holder} had {self.session_id} when {what}" if self.holder else None

    @staticmethod
    def _given_up(detail: str) -> bool:
        return detail.startswith(GIVEN_UP) or "agents were asked for" in detail
