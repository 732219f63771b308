"""The order in which the events of a session may occur; each is written with the change that it records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent_runtime.domain.lease import EventKind

GIVEN_UP = ("no agent within", "the agent was lost and nobody")
CLAIMS = {EventKind.CLAIMED, EventKind.TALKING}
FINAL = {EventKind.ENDED, EventKind.ERROR}


@dataclass
class History:
    """The events of one session so far. `brought_by` maps each job to the number of its dispatch."""

    session_id: str
    brought_by: Mapping[str, int]
    holder: str | None = None
    dispatches: int = 1
    over: bool = False

    def add(self, kind: str, detail: str) -> str | None:
        """Take in the next event; returns what is wrong with it, or None."""
        wrong = f"{self.session_id} is over, and then: {kind} {detail}" if self.over else None
        job = detail.partition(" on ")[0]
        if kind in CLAIMS and job != self.holder:
            wrong = self._claimed(job)
        elif kind == EventKind.LOST:
            wrong = (
                None if self.holder else f"{self.session_id} was lost without a holder: {detail}"
            )
            self.holder = None
        elif kind == EventKind.ASKED:
            self.dispatches += 1
            wrong = self._not_held("another agent was dispatched")
        elif kind in FINAL:
            self.over = True
            wrong = (
                self._not_held(f"it was given up: {detail}") if self._given_up(detail) else wrong
            )
        return wrong

    def _claimed(self, job: str) -> str | None:
        before, self.holder = self.holder, job
        if before is not None:
            return f"{job} took {self.session_id} from {before}"
        if self.brought_by[job] != self.dispatches:
            return f"{job} of dispatch {self.brought_by[job]} came after {self.dispatches}"
        return None

    def _not_held(self, what: str) -> str | None:
        return f"{self.holder} had {self.session_id} when {what}" if self.holder else None

    @staticmethod
    def _given_up(detail: str) -> bool:
        return detail.startswith(GIVEN_UP) or "agents were asked for" in detail
