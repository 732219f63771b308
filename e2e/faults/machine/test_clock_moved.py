"""The wall clock of API and worker moves an hour forward, or back, in the middle of a call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from e2e.faults.call import greeted
from e2e.testbed.stacks import StartStack
from e2e.testbed.testbed import Testbed, open_testbed
from fixtures.faults.moved_clock import MovedClock
from fixtures.runtime_client.api import ApiError
from fixtures.servers import LiveKitServer
from fixtures.speech import Recogniser

HOUR = 3600


@pytest.fixture
def clock(tmp_path: Path) -> MovedClock:
    """The clock of API and worker; LiveKit, PostgreSQL and the caller have the right time."""
    return MovedClock(tmp_path)


@pytest.fixture
async def testbed_with_moved_clock(
    clock: MovedClock,
    start_stack: StartStack,
    own_livekit: LiveKitServer,
    recogniser: Recogniser,
    tmp_path: Path,
) -> AsyncIterator[Testbed]:
    """A testbed whose API and worker run with the moved clock."""
    with start_stack(own_livekit, **clock.environ) as stack:
        async with open_testbed(stack, own_livekit, recogniser, tmp_path) as made:
            yield made


@pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["forward", "back"])
async def test_the_call_goes_on(
    testbed_with_moved_clock: Testbed, clock: MovedClock, seconds: int
) -> None:
    """The call continues with the same agent, dispatched once; it does not end before its start."""
    async with greeted(testbed_with_moved_clock) as call:
        agent = call.person.caller.agents
        clock.move(seconds)
        await call.goes_on("weather")
        await call.goes_on("opening")
        assert call.person.caller.agents == agent
        await call.ends()
    happened = await testbed_with_moved_clock.rows.events(call.session_id)
    assert happened == ["created", "claimed", "talking", "ended"]
    row = await testbed_with_moved_clock.rows.session(call.session_id)
    assert row is not None
    assert (row["duration_seconds"] > HOUR) == (seconds > 0)  # the doctor checks that it is >= 0
    # LiveKit rejects tokens signed an hour off, so the API refuses to create sessions.
    with pytest.raises(ApiError) as refused:
        await testbed_with_moved_clock.api.create(
            testbed_with_moved_clock.agent_id, testbed_with_moved_clock.new_room()
        )
    assert refused.value.status == 503
    clock.move(0)
    async with greeted(testbed_with_moved_clock) as call:
        await call.ends()
