"""Erases what is stored of one caller, and confirms it with a second search."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from agent_runtime.domain.callers.erasure import CallerIsLive, Erasure
from agent_runtime.domain.errors import (
    StoreUnavailable,
)
from agent_runtime.domain.ports.callers import CallerRecords

logger = logging.getLogger(__name__)

# Seconds after which an erasure is given up; it can be repeated, and goes on with what is left.
DEADLINE: Final = 300.0


async def erase_caller(records: CallerRecords, identity: str, *, dry_run: bool) -> Erasure:
    """Erase the caller of this identity; with `dry_run` only count.

    Raises CallerIsLive while a session of the caller goes on: its agent would write again what was erased.
    Raises StoreUnavailable, also when it takes longer than `DEADLINE`.
    """
    try:
        async with asyncio.timeout(DEADLINE):
            found = await records.find(identity)
            if dry_run:
                return Erasure(found.rows, erased=False, remaining=found.rows)
            if found.live:
                raise CallerIsLive(found.live)
            await records.erase(identity)
            left = await records.find(identity, found.sessions)
    except TimeoutError as error:
        raise StoreUnavailable(f"the erasure took longer than {DEADLINE:g} s; repeat it") from error
    # Neither the identity nor its sessions: the log is kept, too.
    logger.info(
        "caller erased: %d rows, %d left", sum(found.rows.values()), sum(left.rows.values())
    )
    return Erasure(found.rows, erased=True, remaining=left.rows)
