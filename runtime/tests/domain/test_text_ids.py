"""From the text that names a job's agent to its number."""

from __future__ import annotations

from typing import cast

import pytest

from agent_runtime.domain.agents.text_ids import with_number
from agent_runtime.domain.errors import AgentUnknown
from agent_runtime.domain.job import JobTarget, target_named
from agent_runtime.domain.ports.agents import TextIdRegistry


class Ids:
    """A registry with one text, which records what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def number(self, text_id: str) -> int | None:
        """The number of the text."""
        self.asked.append(text_id)
        return 1_000_000_000 if text_id == "clinic" else None


async def test_a_plain_call_reads_nothing() -> None:
    """A job that names its agent by number costs no statement."""
    ids = Ids()
    target = JobTarget(7, "s", 3)
    assert await with_number(target, cast("TextIdRegistry", ids)) is target
    assert ids.asked == []


async def test_a_text_gets_its_number() -> None:
    """The target keeps its text, for names and logs, beside the number."""
    found = await with_number(target_named("clinic"), cast("TextIdRegistry", Ids()))
    assert (found.agent_id, found.text_id) == (1_000_000_000, "clinic")


@pytest.mark.parametrize("ids", [Ids(), None])
async def test_a_text_of_nobody_is_refused(ids: Ids | None) -> None:
    """The error names the text and says what is missing."""
    with pytest.raises(AgentUnknown, match="Agent sales is unknown: no agent was imported"):
        await with_number(target_named("sales"), cast("TextIdRegistry | None", ids))
