"""SIGSTOP of a job process, which later continues."""

from contextlib import suppress

import psutil

from e2e.faults.call import greeted
from e2e.testbed.testbed import Testbed


async def test_another_agent_takes_over_for_good(own_testbed: Testbed) -> None:
    """A stopped agent is replaced; when it continues it leaves the room and does not end the session."""
    worker = own_testbed.stack.worker
    assert worker is not None
    async with greeted(own_testbed) as call:
        job = await call.job(worker)
        since = worker.mark()
        job.suspend()
        try:
            assert (await call.job(worker, since)).pid != job.pid
            await call.goes_on("weather")
        finally:
            with suppress(psutil.NoSuchProcess):  # LiveKit may have ended its job meanwhile
                job.resume()
        await call.goes_on("opening")
        await call.ends()
