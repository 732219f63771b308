"""The agent's greeting."""

import asyncio

import pytest

from e2e.testbed.testbed import Testbed
from fixtures.speech import ANSWERS


@pytest.mark.parametrize(
    "how",
    [
        {"initialGreeting": ANSWERS["greeting"]},
        {"initialGreeting": None, "greetingInstructions": "Greet the caller and offer help."},
    ],
    ids=["word-for-word", "instructions"],
)
async def test_the_caller_is_greeted_once(testbed: Testbed, how: dict[str, object]) -> None:
    """A caller who joins hears the greeting once, whether its text is fixed or made from instructions."""
    await testbed.register(**how)
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    async with testbed.person_in(room) as person:
        await person.hears_greeting()
        with pytest.raises(TimeoutError):
            await person.caller.hear(2)
        await testbed.api.end(session_id)


async def test_without_a_greeting_the_caller_speaks_first(testbed: Testbed) -> None:
    """An agent without a greeting is silent until the caller asks a question."""
    await testbed.register(initialGreeting=None)
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    async with testbed.person_in(room) as person:
        await person.caller.agent_joined()
        with pytest.raises(TimeoutError):
            await person.caller.hear(2)
        await asyncio.wait_for(person.is_answered("weather"), 15)
        await testbed.api.end(session_id)
