"""The caller interrupts the agent."""

from e2e.testbed.testbed import Testbed
from fixtures.speech import clip

STORY = 15.0  # seconds that the whole story takes at least


async def test_the_agent_stops_and_listens(testbed: Testbed) -> None:
    """When the caller interrupts a long story, the agent falls silent at the caller's ear and answers."""
    await testbed.register()
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    async with testbed.person_in(room) as person:
        await person.hears_greeting()
        person.caller.forget()
        await person.caller.say(clip("story"))
        story_began = await person.caller.onset()
        interruption = await person.caller.say(clip("stop"))
        story = await person.caller.hear()
        assert story.began_at == story_began
        assert story.seconds < STORY / 2
        silent_after = story.ended_at - interruption.began_at
        assert 0 < silent_after < clip("stop").seconds + 1
        assert await person.hears() == "Of course, take your time."
        row = await testbed.rows.metrics_when(
            session_id, lambda row: row["metadata"]["interruptions"] >= 1
        )
        assert row["agent_message_count"] >= 3
        await testbed.api.end(session_id)


async def test_interruptions_can_be_switched_off(testbed: Testbed) -> None:
    """With `interruptionHandling` false the agent finishes its sentence when the caller speaks."""
    await testbed.register(interruptionHandling=False)
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    async with testbed.person_in(room) as person:
        await person.caller.onset()
        await person.caller.say(clip("stop"))
        assert await person.hears() == "Hello, how can I help you today?"
        await testbed.api.end(session_id)
