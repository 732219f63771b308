"""What is stored of one caller, and what is left of it after an erasure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent_runtime.domain.errors import MAX_ISSUES, Conflict


@dataclass(frozen=True, slots=True)
class Finding:
    """Rows that name a caller, by table, without tables that have none; and the caller's sessions."""

    rows: Mapping[str, int] = field(default_factory=dict)
    sessions: tuple[str, ...] = ()
    live: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Erasure:
    """The rows found, whether they were erased, and the rows that a second search found."""

    found: Mapping[str, int]
    erased: bool
    remaining: Mapping[str, int]


class CallerIsLive(Conflict):
    """Raised when the caller who is to be erased is in live sessions; names some of them."""

    remedy = "end the sessions first: POST /api/sessions/{sessionId}/end"

    def __init__(self, sessions: Sequence[str]) -> None:
        named = ", ".join(sessions[:MAX_ISSUES])
        super().__init__(f"{len(sessions)} sessions of the caller are live: {named}; {self.remedy}")
        self.sessions = tuple(sessions)
