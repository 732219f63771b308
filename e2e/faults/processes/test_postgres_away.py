"""PostgreSQL crashes in the middle of a call, and is down for half a minute."""

import asyncio
from pathlib import Path

import pytest

from e2e.faults.call import greeted
from e2e.testbed.stacks import StartStack
from e2e.testbed.testbed import open_testbed
from fixtures.runtime_client.api import ApiError
from fixtures.servers import LiveKitServer
from fixtures.servers.postgres import PostgresProcess, PostgresServer
from fixtures.speech import Recogniser

AWAY = 30.0  # seconds without PostgreSQL; longer than a lease lasts


async def test_the_call_goes_on(
    start_stack_on: StartStack,
    own_livekit: LiveKitServer,
    recogniser: Recogniser,
    tmp_path: Path,
) -> None:
    """The call keeps its agent; creates are refused during the outage; afterwards the rows are correct."""
    with PostgresProcess() as postgres:
        server = PostgresServer(postgres.url)
        with start_stack_on(server, own_livekit) as stack:
            async with (
                open_testbed(stack, own_livekit, recogniser, tmp_path) as testbed,
                greeted(testbed) as call,
            ):
                agent = call.person.caller.agents
                await asyncio.to_thread(lambda: postgres.stop("immediate"))
                await call.person.is_answered("weather")
                with pytest.raises(ApiError) as refused:
                    await testbed.api.create(testbed.agent_id, testbed.new_room())
                assert refused.value.status == 503
                # The outage itself is the fault: there is no event to wait for.
                await asyncio.sleep(AWAY)
                await asyncio.to_thread(postgres.start)
                await call.goes_on("opening")
                assert call.person.caller.agents == agent
                await call.ends()
