"""What is stored of one caller, and what is left of it after an erasure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
