"""The leader lock, on both databases."""

from __future__ import annotations

import asyncio

from agent_runtime.storage import leader_lock


async def test_one_process_leads(url: str) -> None:
    """One process has the lock and keeps it; another gets it as soon as the first releases it."""
    first, second = leader_lock(url, prepare=True), leader_lock(url, prepare=True)
    assert await first.acquire()
    assert not await second.acquire()
    assert await first.acquire()
    await first.close()
    async with asyncio.timeout(5):
        while not await second.acquire():  # noqa: ASYNC110 - the server announces no free lock
            await asyncio.sleep(0.05)
    await second.close()
