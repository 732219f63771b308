"""Readiness: what is away, how often it is looked for, and that probes share one look."""

from __future__ import annotations

import asyncio

import pytest

from agent_runtime.application.readiness import VALID, Readiness
from agent_runtime.domain.errors import LiveKitUnavailable, StoreUnavailable


class Part:
    """A part that fails with `error` while there is one, and counts its checks."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.checks = 0

    async def check(self) -> None:
        """Count, wait a moment, fail or not."""
        self.checks += 1
        await asyncio.sleep(0.01)
        if self.error is not None:
            raise self.error


async def test_every_part_that_is_away_is_named() -> None:
    """Of two parts that are away both are named with their reasons."""
    readiness = Readiness(
        {
            "database": Part(StoreUnavailable("no route")),
            "LiveKit": Part(LiveKitUnavailable("refused")),
        }
    )
    assert await readiness.problems() == {"database": "no route", "LiveKit": "refused"}


async def test_a_flood_of_probes_is_one_look_a_second() -> None:
    """A hundred probes at once and a hundred within the same second make one check, a later one another."""
    now = 100.0
    part = Part()
    readiness = Readiness({"database": part}, clock=lambda: now)
    await asyncio.gather(*(readiness.problems() for _ in range(100)))
    for _ in range(100):
        assert await readiness.problems() == {}
    assert part.checks == 1
    part.error = StoreUnavailable("gone")
    now += VALID
    assert await readiness.problems() == {"database": "gone"}
    assert part.checks == 2


async def test_a_probe_that_leaves_takes_no_other_with_it() -> None:
    """When the probe that started a check is cancelled, the others still get its result."""
    readiness = Readiness({"database": Part()})
    first = asyncio.create_task(readiness.problems())
    second = asyncio.create_task(readiness.problems())
    await asyncio.sleep(0)
    first.cancel()
    assert await second == {}


async def test_an_error_of_another_kind_is_not_kept() -> None:
    """An unexpected error reaches the probe, and the next probe looks again."""
    part = Part(ValueError("broken"))
    readiness = Readiness({"database": part})
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            await readiness.problems()
    assert part.checks == 2
