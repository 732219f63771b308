"""What the administrative commands need: checks, migrations, live sessions, a caller's token.

Everything here returns data. Functions that open the database raise StoreUnavailable.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from agent_runtime.domain.errors import SessionNotFound
from agent_runtime.domain.lease import Event, LiveSession
from agent_runtime.livekit_api import tokens
from agent_runtime.settings import Settings
from agent_runtime.wiring.database import keeping, open_database

if TYPE_CHECKING:
    from agent_runtime.domain.callers.erasure import Erasure
    from agent_runtime.storage import Violation
    from agent_runtime.storage.schema.check import Finding

# Seconds between two reads of a followed session's events: an operator sees a change at once.
FOLLOW_INTERVAL: Final = 0.5


def migrate_database(settings: Settings) -> Sequence[int] | None:
    """Bring our own tables up to date; returns the versions that were applied.

    None for SQLite: opening the file makes and migrates whatever is missing.
    """
    from agent_runtime.storage.schema.migrations import migrate_postgres
    from agent_runtime.storage.sql.url import is_postgres

    if is_postgres(settings.database.url):
        return migrate_postgres(settings.database.url)
    asyncio.run(_open_and_close(settings))
    return None


def create_database(settings: Settings) -> Sequence[str]:
    """Make every table on a database of one's own, where none of them is there yet.

    Returns the shared tables that are missing where only some are there; then nothing was made.
    """
    from agent_runtime.storage.schema.development import create_schema
    from agent_runtime.storage.sql.url import is_postgres

    if is_postgres(settings.database.url):
        return create_schema(settings.database.url)
    asyncio.run(_open_and_close(settings))
    return []


async def _open_and_close(settings: Settings) -> None:
    await open_database(settings).close()


def check_database(settings: Settings) -> Sequence[Finding]:
    """Each difference between the database's schema and the one that the runtime needs."""
    from agent_runtime.storage.schema.check import check_schema

    return check_schema(settings.database.url)


async def examine_rows(settings: Settings) -> Sequence[Violation]:
    """Each law that the rows of sessions, leases and metrics break."""
    from agent_runtime.storage import Doctor

    database = open_database(settings)
    try:
        await database.check()
        return await Doctor(database).examine()
    finally:
        await database.close()


async def repair_rows(settings: Settings) -> int:
    """Merge the rows of metrics of each session that is over and has several; returns their number."""
    from agent_runtime.storage.repositories.metrics.repair import MetricRepair

    database = open_database(settings)
    try:
        await database.check()
        return await MetricRepair(database).merge()
    finally:
        await database.close()


async def erase_caller(settings: Settings, identity: str, *, dry_run: bool) -> Erasure:
    """Erase what is stored of the caller of this identity; with `dry_run` only count.

    Raises CallerIsLive while the caller is in a live session.
    """
    from agent_runtime.application.caller_erasure import erase_caller
    from agent_runtime.storage.repositories.personal.erasure import CallerRows

    database = open_database(settings)
    try:
        await database.check()
        records = CallerRows(database, keeping(settings).pseudonyms)
        return await erase_caller(records, identity, dry_run=dry_run)
    finally:
        await database.close()


async def live_sessions(settings: Settings) -> Sequence[LiveSession]:
    """The sessions that are not over, the oldest first, which is the order of the queue."""
    from agent_runtime.storage import StoredLeases

    database = open_database(settings)
    try:
        return await StoredLeases(database, settings.worker.namespace).live()
    finally:
        await database.close()


async def follow_session(settings: Settings, session_id: str) -> AsyncIterator[Event]:
    """The events of a session so far, then each new one, until the session is over.

    Raises SessionNotFound.
    """
    from agent_runtime.storage import StoredEvents, StoredSessions

    database = open_database(settings)
    try:
        sessions, events, last = StoredSessions(database), StoredEvents(database), 0
        while True:
            # Read before the events, so that the event which ended the session is among them.
            session = await sessions.get(session_id)
            for number, event in await events.read(session_id, last):
                yield event
                last = number
            if session is None:
                raise SessionNotFound(session_id)
            if session.status.is_final:
                return
            await asyncio.sleep(FOLLOW_INTERVAL)
    finally:
        await database.close()


def caller_token(settings: Settings, room_name: str, identity: str, valid: timedelta) -> str:
    """A LiveKit access token (JWT) with which `identity` may join the room by hand."""
    livekit = settings.livekit
    secret = livekit.api_secret.get_secret_value()
    return tokens.caller_token(livekit.api_key, secret, room_name, identity, valid)
