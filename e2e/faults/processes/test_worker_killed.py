"""SIGKILL of a worker with all its job processes, like the loss of a machine."""

import asyncio

from e2e.faults.call import greeted, second_worker
from e2e.testbed.testbed import Testbed


async def test_another_worker_goes_on(own_testbed: Testbed) -> None:
    """The call continues with an agent of the other worker."""
    worker = own_testbed.stack.worker
    assert worker is not None
    async with greeted(own_testbed) as call, second_worker(own_testbed) as second:
        call.person.caller.forget()
        await asyncio.to_thread(worker.kill)
        await call.job(second)
        await call.goes_on()
        await call.ends()
