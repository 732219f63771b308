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


async def test_each_namespace_has_a_leader_of_its_own(url: str) -> None:
    """Deployments that share a database are led at the same time, each by one process."""
    ours = leader_lock(url, prepare=True)
    theirs, late = (leader_lock(url, prepare=True, namespace="other") for _ in range(2))
    try:
        assert await ours.acquire()
        assert await theirs.acquire()
        assert not await late.acquire()
    finally:
        for lock in (ours, theirs, late):
            await lock.close()
