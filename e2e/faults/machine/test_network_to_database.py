"""The network between a worker and the database is cut, while the worker still reaches LiveKit."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from e2e.faults.call import greeted, second_worker
from e2e.testbed.testbed import Testbed
from fixtures.faults.toxiproxy import proxy_to


async def test_another_worker_goes_on(own_testbed: Testbed, tmp_path: Path) -> None:
    """A worker that cannot renew its lease loses the session to another worker; one agent stays."""
    testbed = own_testbed
    first = testbed.stack.worker
    assert first is not None
    url = urlsplit(testbed.stack.settings.database_url)
    with proxy_to(f"{url.hostname}:{url.port}", tmp_path / "proxy") as line:
        user = f"{url.username}:{url.password}"
        through = urlunsplit(url._replace(netloc=f"{user}@127.0.0.1:{line.port}"))
        async with second_worker(testbed, DATABASE_URL=through) as far:
            await asyncio.to_thread(first.stop)
            async with greeted(testbed) as call:
                await call.job(far)
                near = await asyncio.to_thread(testbed.stack.start_worker)
                await asyncio.to_thread(line.cut)
                await call.job(near)
                await call.goes_on()
                await call.ends()
