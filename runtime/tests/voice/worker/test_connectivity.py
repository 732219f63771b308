"""Whether a worker notices that LiveKit is out of its reach, and that it is back."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from agent_runtime.voice.worker import connectivity as reach
from agent_runtime.voice.worker.admission import Admission
from agent_runtime.voice.worker.connectivity import Connectivity

from .offers import Server, admission_of


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for seconds."""
    monkeypatch.setattr(reach, "ASK_EVERY", 0.02)
    monkeypatch.setattr(reach, "ASK_AGAIN", 0.02)


@pytest.fixture
def admission() -> Admission:
    """Of a worker without calls."""
    return admission_of(Server(ws_url="ws://127.0.0.1:1", api_key="key", api_secret="secret"))


@asynccontextmanager
async def answering(status: int, port: int = 0) -> AsyncIterator[int]:
    """A server that gives every question this answer; its port."""

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
async def asking(port: int, admission: Admission, scheme: str = "ws") -> AsyncIterator[None]:
    """While it is looked whether LiveKit is at that port."""
    url = f"{scheme}://127.0.0.1:{port}"
    task = asyncio.create_task(Connectivity(url, admission).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(admission: Admission, *, cut_off: bool) -> None:
    """Return once it is so."""
    async with asyncio.timeout(10):
        while admission.cut_off is not cut_off:  # noqa: ASYNC110 - it is a flag, without an event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("scheme", ["ws", "http"])
async def test_it_goes_and_comes_back(
    admission: Admission, caplog: pytest.LogCaptureFixture, scheme: str
) -> None:
    """Each is said once, with what went wrong. Every status is an answer: LiveKit is there."""
    with caplog.at_level(logging.WARNING):
        async with answering(404) as port, asking(port, admission, scheme):
            pass
        async with asking(port, admission, scheme):
            await until(admission, cut_off=True)
            async with answering(503, port):
                await until(admission, cut_off=False)
    lost, back = (record.message for record in caplog.records)
    assert lost.startswith("LiveKit is out of reach, no new sessions are claimed: ClientConnector")
    assert back == "LiveKit is within reach again"


async def test_a_port_that_takes_and_never_answers(
    admission: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a cable that was pulled."""
    monkeypatch.setattr(reach, "PATIENCE", reach.aiohttp.ClientTimeout(total=0.05))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        async with asking(silent.getsockname()[1], admission):
            await until(admission, cut_off=True)


async def test_one_question_that_is_not_answered_means_nothing(
    admission: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy machine is late once."""
    monkeypatch.setattr(reach, "ASK_AGAIN", 60)
    asked = asyncio.Event()
    problem = Connectivity._problem

    async def told(self: Connectivity, *given: object) -> str | None:
        found = await problem(self, *given)  # type: ignore[arg-type]
        asked.set()
        return found

    monkeypatch.setattr(Connectivity, "_problem", told)
    async with asking(1, admission):
        await asked.wait()
        await asyncio.sleep(0)
        assert not admission.cut_off
