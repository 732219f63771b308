"""The worker's port for probes among strangers: its key, its limits."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from agent_runtime.application.key_ring import KeyRing
from agent_runtime.domain.access.keys import Scope, new_key
from agent_runtime.settings import Settings
from agent_runtime.settings.addresses import EVERYWHERE
from agent_runtime.storage import StoredKeys, open_database
from agent_runtime.voice.machine import bounded_connections
from agent_runtime.voice.machine.bounded_connections import MAX_CONNECTIONS
from agent_runtime.voice.machine.pressure import MIN_DESCRIPTORS, PressureGauge
from agent_runtime.voice.worker.health import HealthPort

from .offers import admission_of, new_server


def port_on(host: str, key: str = "") -> HealthPort:
    """A port for probes of a worker that has not started, on any free port."""
    return HealthPort(new_server(), host, 0, CollectorRegistry(), key)


def number_of(port: HealthPort) -> int:
    """The number of its port."""
    assert port._listening is not None
    number: int = port._listening.sockets[0].getsockname()[1]
    return number


def open_files() -> int:
    """The number of this process's open files."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def status(number: int, path: str, **headers: str) -> int:
    """The status of a GET."""
    url = f"http://127.0.0.1:{number}{path}"
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as answer:
        return answer.status


def test_the_port_is_on_the_loopback_by_default() -> None:
    """Without a setting only this machine reaches the worker's port."""
    assert Settings.load({}).worker.health_host == "127.0.0.1"


async def test_metrics_need_the_key_where_others_reach_them() -> None:
    """On other addresses than the loopback the metrics need the key; the probe does not."""
    async with port_on(EVERYWHERE, "the-key") as port:
        number = number_of(port)
        for path in ("/metrics", "/worker", "/metrics/", "//metrics", "/nothing"):
            assert await status(number, path) == 401
            assert await status(number, path, Authorization="Bearer no") == 401
        assert await status(number, "/metrics", Authorization="Bearer the-key") == 200
        assert await status(number, "/metrics", Authorization="the-key") == 200
        assert await status(number, "/") == 503  # its worker has not started
    async with port_on("127.0.0.1", "the-key") as port:
        assert await status(number_of(port), "/metrics") == 200


async def test_metrics_need_a_key_of_the_table(tmp_path: Path) -> None:
    """Once keys were made, the metrics need one with the scope prometheus."""
    database = open_database(f"sqlite:///{tmp_path / 'keys'}", prepare=True, pool_size=1)
    store = StoredKeys(database)
    texts = {}
    for name, scope in (("scraper", Scope.PROMETHEUS), ("reader", Scope.AGENTS_READ)):
        texts[name], key = new_key(name, now=datetime.now(UTC), scopes={scope})
        await store.create(key)
    for platform in ("", "the-key"):
        health = HealthPort(
            new_server(), EVERYWHERE, 0, CollectorRegistry(), platform, KeyRing(store)
        )
        async with health as port:
            number = number_of(port)
            assert await status(number, "/metrics") == 401
            assert (
                await status(number, "/metrics", Authorization=f"Bearer {texts['reader']}") == 401
            )
            assert (
                await status(number, "/metrics", Authorization=f"Bearer {texts['scraper']}") == 200
            )
            assert await status(number, "/") == 503  # no key is needed; there is no agent server
    await database.close()


async def test_metrics_without_a_key_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """A port that other machines reach without a key is logged, with the variable that closes it."""
    async with port_on(EVERYWHERE):
        assert "AGENT_RUNTIME_API_KEY" in caplog.text


async def test_silent_connections_keep_no_probe_away(caplog: pytest.LogCaptureFixture) -> None:
    """Among 300 silent connections each probe is answered, the worker holds 64, and logs a few lines."""
    async with port_on("127.0.0.1") as port:
        number = number_of(port)
        before = open_files()
        silent = []
        for _ in range(300):
            silent.append(socket.create_connection(("127.0.0.1", number)))
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        held = open_files() - before - len(silent)
        assert held <= MAX_CONNECTIONS
        for _ in range(20):
            assert await status(number, "/metrics") == 200
        for connection in silent:
            connection.close()
    assert 1 <= caplog.text.count("too many connections") <= 3


async def test_no_connection_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that sends nothing, or a byte now and then, is closed after its lifetime."""
    monkeypatch.setattr(bounded_connections, "LIFETIME", 0.3)
    async with port_on("127.0.0.1") as port:
        for drip in (b"", b"x"):
            reader, writer = await asyncio.open_connection("127.0.0.1", number_of(port))
            async with asyncio.timeout(2):
                ended = asyncio.create_task(reader.read())
                while not ended.done():
                    writer.write(drip)
                    await asyncio.sleep(0.05)
            with pytest.raises(ConnectionError):
                raise ended.exception() or ConnectionError
            writer.close()


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    """Lower the soft limit of open files so that fewer are free than a call needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = open_files()
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + MIN_DESCRIPTORS // 2, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("few_descriptors")
def test_a_worker_without_descriptors_has_no_free_places() -> None:
    """A worker that cannot open the files that a call needs takes none, and says why."""
    admission = admission_of(new_server())
    admission.update(PressureGauge().read(0.0))
    assert admission.free_calls == 0
    assert "file descriptors" in (admission.refusal_reason or "")
