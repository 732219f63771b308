"""Numbers of agents whose id is a text."""

from __future__ import annotations

import asyncio

import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.agents.text_ids import TextIdTaken
from agent_runtime.storage import Database, RegisteredAgents, StoredTextIds


@pytest.fixture
def ids(database: Database) -> StoredTextIds:
    """The text ids of the database."""
    return StoredTextIds(database)


async def test_a_text_gets_a_number_once(ids: StoredTextIds) -> None:
    """The same text has the same number for ever; each text has its own."""
    first, second = await ids.assign("front_desk"), await ids.assign("support")
    assert first != second
    assert await ids.assign("front_desk") == first
    assert await ids.number("support") == second
    assert await ids.number("nobody") is None
    assert await ids.number("x" * 300) is None
    assert await ids.all() == {first: "front_desk", second: "support"}


async def test_a_number_may_be_chosen(ids: StoredTextIds) -> None:
    """A free number may be given; one that is taken, or another one for a text that has one, may not."""
    assert await ids.assign("front_desk", 7) == 7
    assert await ids.assign("front_desk", 7) == 7
    assert await ids.assign("front_desk") == 7
    with pytest.raises(TextIdTaken, match="support"):
        await ids.assign("support", 7)
    with pytest.raises(TextIdTaken):
        await ids.assign("front_desk", 8)


async def test_assignments_at_the_same_time_do_not_collide(ids: StoredTextIds) -> None:
    """Ten assignments at once give ten numbers."""
    found = await asyncio.gather(*(ids.assign(f"agent_{number}") for number in range(10)))
    assert len(set(found)) == 10


async def test_an_agent_that_has_the_number_is_left_alone(
    ids: StoredTextIds, agents: RegisteredAgents
) -> None:
    """A number in the range of the texts that an agent was registered with is passed over."""
    first = await ids.assign("front_desk")
    await agents.register(Registration(first + 1, 1, {}, 10))
    assert await ids.assign("support") == first + 2
