"""kill -9 of the API that watches the sessions."""

import asyncio

from e2e.faults.call import greeted, second_api
from e2e.testbed.testbed import Place


async def test_another_api_watches(own_place: Place) -> None:
    """The call goes on; what happens to its agent afterwards is seen to by another API."""
    place = own_place
    assert place.stack.api is not None
    assert place.stack.worker is not None
    worker = place.stack.worker
    async with second_api(place) as other, greeted(place) as call:
        await asyncio.to_thread(place.stack.api.kill)
        await call.person.is_answered("weather")
        await asyncio.to_thread(lambda: other.wait_for("this process supervises the sessions", 5))
        job = await call.job(worker)
        since = worker.mark()
        job.kill()
        await call.job(worker, since)
        await call.goes_on("opening")
