"""Reads a live session from its row."""

from __future__ import annotations

from typing import Any, Final

from agent_runtime.domain.lease import Holder, LiveSession, Phase
from agent_runtime.secrecy.keyring import Keyring
from agent_runtime.storage.repositories.sealed.variables import read
from agent_runtime.storage.repositories.sealing import SessionCipher
from agent_runtime.storage.repositories.sessions.rows import COLUMNS, session_from
from agent_runtime.storage.sql.times import aware

_CIPHER: Final = SessionCipher()


def live_from(row: tuple[Any, ...], keyring: Keyring) -> LiveSession:
    """The live session in a row of its columns and its lease. Raises ValueError when it cannot be read."""
    phase, holder, worker, beats, dispatches, lost_by, variables, heartbeat_at, key = row[
        len(COLUMNS) :
    ]
    variables = opened(variables, key, row[0])
    return LiveSession(
        session=session_from(row[: len(COLUMNS)]),
        phase=Phase(phase),
        holder=None if holder is None else Holder(holder, worker or ""),
        beats=beats,
        dispatches=dispatches,
        lost_by=lost_by,
        variables=read(variables, keyring, row[0]),
        heartbeat_at=aware(heartbeat_at),
    )


def opened(variables: str | None, key: str | None, session_id: str) -> str | None:
    """The variables of a live row, which are sealed with `key` below the tier "full"."""
    if variables and _CIPHER.is_sealed(variables):
        return _CIPHER.open(key or "", variables, session_id)
    return variables
