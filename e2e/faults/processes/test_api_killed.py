"""SIGKILL of the API that supervises the sessions."""

import asyncio

from e2e.faults.call import greeted, second_api
from e2e.testbed.testbed import Testbed


async def test_another_api_supervises(own_testbed: Testbed) -> None:
    """The call continues, and another API supervises it: it replaces an agent that is killed later."""
    testbed = own_testbed
    assert testbed.stack.api is not None
    assert testbed.stack.worker is not None
    worker = testbed.stack.worker
    async with second_api(testbed) as other, greeted(testbed) as call:
        await asyncio.to_thread(testbed.stack.api.kill)
        await call.person.is_answered("weather")
        await asyncio.to_thread(lambda: other.wait_for("this process supervises the sessions", 5))
        job = await call.job(worker)
        since = worker.mark()
        job.kill()
        await call.job(worker, since)
        await call.goes_on("opening")
