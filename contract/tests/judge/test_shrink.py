"""Delta debugging of the steps before a finding."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from contract.judge.shrink import ddmin, paired
from contract.tests.samples import request, step


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


FAULTS = {"away": "back", "broken": "mended"}
STEPS = [
    step(index, request("GET", "/up"), before=before)
    for index, before in enumerate((None, "away", None, "back", None, "broken", None, "mended"))
]


@pytest.mark.parametrize(
    ("chosen", "last", "kept"),
    [
        ([0, 1, 2], 4, [0, 2]),  # a fault without its repair goes
        ([0, 3], 4, [0]),  # and a repair without its fault
        ([0, 1, 3], 4, [0, 1, 3]),
        ([5], 6, [5]),  # the fault of the finding itself stays
        ([0], 7, [0, 5]),  # a finding after a repair needs the fault
        ([1, 3, 5], 7, [1, 3, 5]),
    ],
)
def test_faults_and_their_repairs_stay_in_pairs(
    chosen: list[int], last: int, kept: list[int]
) -> None:
    """A part of the corpus neither leaves a fault behind nor repairs what is not broken."""
    assert paired([STEPS[index] for index in chosen], STEPS[last], STEPS, FAULTS) == kept
