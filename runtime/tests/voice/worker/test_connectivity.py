"""A worker notices when it cannot reach LiveKit, and when it can again."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from agent_runtime.voice.worker import connectivity
from agent_runtime.voice.worker.admission import Admission
from agent_runtime.voice.worker.connectivity import Connectivity

from .offers import admission_of, new_server


@pytest.fixture(autouse=True)
def short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probe every 20 ms."""
    monkeypatch.setattr(connectivity, "PROBE_INTERVAL", 0.02)
    monkeypatch.setattr(connectivity, "RETRY_INTERVAL", 0.02)


@pytest.fixture
def admission() -> Admission:
    """The admission of a worker without calls."""
    return admission_of(new_server())


@asynccontextmanager
async def answering(status: int, port: int = 0) -> AsyncIterator[int]:
    """Serve `status` to every request; yields the port."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def probing(port: int, admission: Admission, scheme: str = "ws") -> AsyncIterator[None]:
    """Probe LiveKit at that port."""
    url = f"{scheme}://127.0.0.1:{port}"
    task = asyncio.create_task(Connectivity(url, admission).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(admission: Admission, *, reachable: bool) -> None:
    """Wait until the admission holds this."""
    async with asyncio.timeout(10):
        while admission.livekit_reachable is not reachable:  # noqa: ASYNC110 - it is a flag, without an event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("scheme", ["ws", "http"])
async def test_an_outage_and_its_end_are_noticed(
    admission: Admission, caplog: pytest.LogCaptureFixture, scheme: str
) -> None:
    """Each is logged once, the outage with its cause. Any HTTP status proves that LiveKit is there."""
    with caplog.at_level(logging.WARNING):
        async with answering(404) as port, probing(port, admission, scheme):
            pass
        async with probing(port, admission, scheme):
            await until(admission, reachable=False)
            async with answering(503, port):
                await until(admission, reachable=True)
    lost, back = (record.message for record in caplog.records)
    assert lost.startswith("LiveKit is unreachable, no new sessions are claimed: ClientConnector")
    assert back == "LiveKit is reachable again"


async def test_a_port_that_accepts_and_never_answers_is_an_outage(
    admission: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A probe without an answer in time fails, as behind a pulled cable."""
    monkeypatch.setattr(
        connectivity, "PROBE_TIMEOUT", connectivity.aiohttp.ClientTimeout(total=0.05)
    )
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        async with probing(silent.getsockname()[1], admission):
            await until(admission, reachable=False)


async def test_a_single_failed_probe_is_no_outage(
    admission: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy machine may miss one probe; LiveKit still counts as reachable."""
    monkeypatch.setattr(connectivity, "RETRY_INTERVAL", 60)
    probed = asyncio.Event()
    probe = Connectivity._probe

    async def recorded(self: Connectivity, *given: object) -> str | None:
        found = await probe(self, *given)  # type: ignore[arg-type]
        probed.set()
        return found

    monkeypatch.setattr(Connectivity, "_probe", recorded)
    async with probing(1, admission):
        await probed.wait()
        await asyncio.sleep(0)
        assert admission.livekit_reachable
