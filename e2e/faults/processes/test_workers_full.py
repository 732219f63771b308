"""More callers than the workers have capacity for."""

from pathlib import Path

import pytest

from e2e.faults.call import greeted
from e2e.testbed.stacks import StartStack
from e2e.testbed.testbed import open_testbed
from fixtures.runtime_client.api import ApiError
from fixtures.servers import LiveKitServer
from fixtures.speech import Recogniser


async def test_a_session_waits_for_capacity(
    start_stack: StartStack, own_livekit: LiveKitServer, recogniser: Recogniser, tmp_path: Path
) -> None:
    """A session waits while all workers are full, and gets its agent when another call ends."""
    with start_stack(own_livekit, MAX_AGENTS_PER_INSTANCE="1") as stack:
        async with (
            open_testbed(stack, own_livekit, recogniser, tmp_path) as testbed,
            greeted(testbed) as first,
        ):
            room = testbed.new_room()
            waiting = await testbed.api.create(testbed.agent_id, room)
            async with testbed.person_in(room, "second") as person:
                phases = await testbed.rows.phases({waiting: "waiting"})
                assert phases == {first.session_id: "talking", waiting: "waiting"}
                await first.ends()
                await person.hears_greeting()
                await person.is_answered("weather")


async def test_a_create_is_refused_if_sessions_must_not_wait(
    start_stack: StartStack, own_livekit: LiveKitServer, recogniser: Recogniser, tmp_path: Path
) -> None:
    """A create answers 503 with Retry-After and writes no row; with free capacity it succeeds again."""
    with start_stack(own_livekit, MAX_AGENTS_PER_INSTANCE="1", SESSION_WHEN_FULL="refuse") as stack:
        async with open_testbed(stack, own_livekit, recogniser, tmp_path) as testbed:
            async with greeted(testbed) as call:
                await testbed.rows.instance_when(lambda row: row["active_agent_count"] == 1)
                room = testbed.new_room()
                with pytest.raises(ApiError) as refused:
                    await testbed.api.create(testbed.agent_id, room)
                assert (refused.value.status, refused.value.retry_after) == (503, "5")
                assert "All workers are full" in refused.value.error
                assert await testbed.rows.sessions_of_room(room) == []
                await call.ends()
            await testbed.rows.instance_when(lambda row: row["active_agent_count"] == 0)
            async with greeted(testbed):
                pass
