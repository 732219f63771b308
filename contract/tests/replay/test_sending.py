"""What each replay begins with: a target must be fresh, and say why it is not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from contract.api.profile import Mark
from contract.errors import TargetUnreachable, WrongTarget
from contract.http.messages import Answer, Request
from contract.replay.sending import check_fresh
from contract.tests.another_api.lockers import PROFILE

FRESH = replace(PROFILE, fresh=Mark("/list", 200, b'{"all":[]}'))


@dataclass
class Kept:
    """A target that gives one answer to everything."""

    answer: Answer | None
    resets: bool = True
    name: str = "kept"
    watched: bool = False

    async def reset(self) -> None:
        """Do nothing, as a wrong command does."""

    async def change(self, what: str) -> None:
        """Do nothing."""

    def can(self, what: str) -> bool:
        """Only reset."""
        return self.resets and what == "reset"

    async def send(self, request: Request) -> Answer:
        """Answer, or be away."""
        del request
        if self.answer is None:
            raise TargetUnreachable("cannot be reached")
        return self.answer


async def test_a_fresh_target_passes_whatever_the_layout() -> None:
    """White space in the answer does not matter; without a mark nothing is asked."""
    await check_fresh(Kept(Answer(200, (), b'{ "all": [] }')), FRESH)
    await check_fresh(Kept(None), PROFILE)


@pytest.mark.parametrize(
    ("resets", "words"), [(True, "right after its reset"), (False, "before the first")]
)
async def test_a_target_with_state_is_no_divergence(resets: bool, words: str) -> None:
    """A reset that does nothing is named as such, before a leftover reads as a fault of the service."""
    kept = Kept(Answer(200, (), b'{"all":[7]}'), resets)
    with pytest.raises(WrongTarget, match=words):
        await check_fresh(kept, FRESH)


async def test_a_reset_that_returns_too_early_is_named() -> None:
    """A service that does not listen yet is a fault of the reset command."""
    with pytest.raises(
        TargetUnreachable, match=r"right after its reset it does not answer.*only when"
    ):
        await check_fresh(Kept(None), FRESH)
