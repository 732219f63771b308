"""The network between a worker and LiveKit is cut: nothing comes through, and nobody is told."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from e2e.conftest import in_thread
from e2e.faults.call import greeted, second_worker
from e2e.place import Place
from fixtures.servers.toxiproxy import proxy_to


async def test_another_worker_goes_on(own_place: Place, tmp_path: Path) -> None:
    """An agent that nobody hears does not hold its session: a worker with a network takes over."""
    place = own_place
    first = place.stack.worker
    assert first is not None
    with proxy_to(urlsplit(place.livekit.url).netloc, tmp_path / "proxy") as line:
        async with second_worker(place, LIVEKIT_URL=f"ws://127.0.0.1:{line.port}") as far:
            await in_thread(first.stop)
            async with greeted(place) as call:
                await call.job(far)
                near = await asyncio.to_thread(place.stack.start_worker)
                await in_thread(line.cut)
                # LiveKit's client notices a silent line by its pings, after 15 s.
                await call.job(near, within=40)
                await call.goes_on()
                await call.ends()
