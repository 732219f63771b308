"""kill -9 of a worker with all its job processes, as when a machine is lost."""

import asyncio

from e2e.faults.call import greeted, second_worker
from e2e.testbed.testbed import Place


async def test_another_worker_goes_on(own_place: Place) -> None:
    """The call goes on with an agent of the other worker."""
    worker = own_place.stack.worker
    assert worker is not None
    async with greeted(own_place) as call, second_worker(own_place) as second:
        call.person.caller.forget()
        await asyncio.to_thread(worker.kill)
        await call.job(second)
        await call.goes_on()
        await call.ends()
