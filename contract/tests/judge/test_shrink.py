"""Delta debugging of the steps before a finding."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from contract.judge.shrink import ddmin


def counted(shows: Callable[[Sequence[int]], bool]) -> tuple[Callable[..., object], list[int]]:
    """An asynchronous `shows`, and the sizes that it was tried with."""
    sizes: list[int] = []

    async def found(items: Sequence[int]) -> bool:
        sizes.append(len(items))
        return shows(items)

    return found, sizes


@pytest.mark.parametrize("needed", [set(), {0}, {99}, {3, 77}, {10, 11, 12, 50}])
async def test_only_the_needed_steps_remain(needed: set[int]) -> None:
    """Of a hundred steps those remain that the finding needs, in their order."""
    shows, _ = counted(lambda items: needed <= set(items))
    found = await ddmin(range(100), shows)  # type: ignore[arg-type]
    assert found == sorted(needed)


async def test_few_trials_are_enough() -> None:
    """Two needed steps of a hundred are found in far fewer trials than one for each step."""
    shows, sizes = counted(lambda items: {3, 77} <= set(items))
    await ddmin(range(100), shows)  # type: ignore[arg-type]
    assert len(sizes) < 60


async def test_nothing_is_lost_when_trials_run_out() -> None:
    """When no smaller sequence shows the finding, all steps remain."""
    shows, _ = counted(lambda _: False)
    assert await ddmin([1, 2, 3], shows) == [1, 2, 3]  # type: ignore[arg-type]
