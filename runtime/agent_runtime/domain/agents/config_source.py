"""Where an agent's configuration comes from, and what is kept of the platform's service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class SourceName(StrEnum):
    """The sources in their order: the first that has the agent wins."""

    REGISTERED = "registered"
    PLATFORM = "platform"
    ROW = "row"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Source:
    """The source that has won. `answered_at` (aware) is when the platform's service last said so."""

    name: SourceName
    detail: str = ""
    answered_at: datetime | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.detail})" if self.detail else self.name.value


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A good answer of the service: the configuration, its ETag, and when the service last confirmed it."""

    document: Mapping[str, Any] = field(repr=False)
    etag: str | None
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class ServiceState:
    """Failures of the service since its last answer; before `retry_at` (aware) it is not asked."""

    failures: int = 0
    retry_at: datetime | None = None
