"""Agents and sessions as the requests so far have made them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from contract.values.typed_values import Window

DEFAULT_SESSIONS: Final = 100  # MAX_SESSIONS_PER_AGENT's default
MAX_ID: Final = 2**31 - 1  # openapi.yaml, schema Id; a test compares
MAX_TEXT: Final = 255  # characters; openapi.yaml, schema Text; a test compares


@dataclass(frozen=True, slots=True)
class Row:
    """A stored row of a session's metrics; the cost is in micro-cents, the latency in milliseconds."""

    messages: int
    agent_messages: int
    latency: int
    cost: int


# The rows that the change `figures-stored` puts into the new service's database, by room.
FIGURES: Final[Mapping[str, tuple[Row, ...]]] = {
    "figures-1": (Row(14, 7, 400, 2_310_000),),
    "figures-2": (Row(6, 3, 100, 0), Row(8, 1, 500, 12_300_123)),
    "figures-3": (Row(0, 0, 0, 0),),
    "figures-4": (Row(2, 1, 2_000_000_000, 2_000_000_000), Row(1, 1, 0, 2_000_000_000)),
}


@dataclass(slots=True)
class Session:
    """A session that the new service created, by its own answer.

    `asked` is the body of the request; `created` and `ended` are the windows in which that happened. The
    texts are the times as an answer showed them first.
    """

    id: str
    agent: Any
    tenant: Any
    room: str
    asked: Mapping[str, Any]
    created: Window
    ended: Window | None = None
    started_text: str | None = None
    ended_text: str | None = None
    rows: tuple[Row, ...] = ()

    @property
    def live(self) -> bool:
        """Whether it has not ended."""
        return self.ended is None


@dataclass(slots=True)
class Agent:
    """An agent, registered or not, with all sessions that it ever had."""

    id: Any
    registered: bool = False
    tenant: Any = None
    config: Any = None
    sessions: list[Session] = field(default_factory=list)

    @property
    def limit(self) -> int:
        """Sessions that it may hold at once."""
        config = self.config if isinstance(self.config, dict) else {}
        spelled = {folded(key): value for key, value in config.items()}
        wanted = spelled.get("maxconcurrentsessions")
        if isinstance(wanted, int | float) and wanted and math.isfinite(wanted):
            return int(wanted)
        return DEFAULT_SESSIONS

    @property
    def live(self) -> int:
        """Sessions that it holds."""
        return sum(session.live for session in self.sessions)


def folded(key: str) -> str:
    """base_url, baseURL and base-url are baseUrl."""
    return key.replace("_", "").replace("-", "").lower()


def number(text: str) -> int | None:
    """The id in a path as the API reads it (7.0 is 7), None for any other text."""
    found = re.fullmatch(r"([1-9][0-9]{0,9})(\.0+)?", text)
    return int(found[1]) if found and int(found[1]) <= MAX_ID else None


def hashable(value: Any) -> Any:
    """A value of a body as an id: 7.0 is 7, objects and lists are None."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None if isinstance(value, dict | list) else value
