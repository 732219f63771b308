"""SIGKILL of a job process."""

from e2e.faults.call import greeted
from e2e.testbed.testbed import Testbed


async def test_another_agent_goes_on(own_testbed: Testbed) -> None:
    """Another agent joins the caller at once, knows the conversation, and does not greet again."""
    worker = own_testbed.stack.worker
    assert worker is not None
    async with greeted(own_testbed) as call:
        await call.person.is_answered("weather")
        job = await call.job(worker)
        since = worker.mark()
        call.person.caller.forget()
        job.kill()
        assert (await call.job(worker, since)).pid != job.pid
        # Its first sentence is the answer to the next question: it has not greeted.
        await call.goes_on("opening")
        await call.ends()
