"""The services that the benchmark compares, each a command that runs as one process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from load.livekit_recorder.process import WITHOUT_WORKERS

ROOT: Final = Path(__file__).parents[2]
# Prefix of the rooms of counted creates; the sessions that GETs read have other names, and stay.
ROOM_PREFIX: Final = "load-"


class Kind(StrEnum):
    """A kind of database."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@dataclass(frozen=True, slots=True)
class Variant:
    """A service. Each of its `session_tables` has one row a session, with the name of its room."""

    name: str
    kind: Kind
    command: tuple[str, ...]
    session_tables: tuple[str, ...]
    # Command to run once on an empty database with the shared tables; () when the service needs none.
    migration: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    is_ours: bool = True


_AGENT_RUNTIME: Final = str(Path(sys.executable).with_name("agent-runtime"))
_OUR_TABLES: Final = ("runtime_live_sessions", "agent_instance_sessions")

OURS_POSTGRESQL: Final = Variant(
    "agent-runtime, PostgreSQL",
    Kind.POSTGRESQL,
    (_AGENT_RUNTIME, "api"),
    _OUR_TABLES,
    migration=(_AGENT_RUNTIME, "db", "migrate"),
    environ=WITHOUT_WORKERS,
)
OURS_SQLITE: Final = Variant(
    "agent-runtime, SQLite",
    Kind.SQLITE,
    (_AGENT_RUNTIME, "api"),
    _OUR_TABLES,
    environ=WITHOUT_WORKERS,
)
BASELINE: Final = Variant(
    "FastAPI + SQLAlchemy + asyncpg",
    Kind.POSTGRESQL,
    (sys.executable, "-m", "load.http.baseline"),
    ("agent_instance_sessions",),
    environ={"PYTHONPATH": str(ROOT)},
    is_ours=False,
)
VARIANTS: Final = (OURS_POSTGRESQL, OURS_SQLITE, BASELINE)
