"""Dispatch notifications beside an SQLite database: one socket for each worker."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, chdir, contextmanager
from pathlib import Path

import pytest

from agent_runtime.domain.ports.workers import DispatchNotifier
from agent_runtime.storage import dispatch_listener, dispatch_notifier, open_database


def sockets(folder: Path) -> list[str]:
    """The paths of the sockets in the folder."""
    return sorted(map(str, folder.glob("*")))


def mode(folder: Path) -> int:
    """The folder's permission bits."""
    return folder.stat().st_mode & 0o777


@contextmanager
def stranger(folder: Path) -> Iterator[socket.socket]:
    """A foreign socket. The process is in the folder meanwhile, from where every path is short enough."""
    with chdir(folder), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        yield made


@asynccontextmanager
async def notifying(url: str, key: str = "key") -> AsyncIterator[DispatchNotifier]:
    """The notifier as the API has it."""
    database = open_database(url)
    made = dispatch_notifier(database, url, prepare=True, key=key)
    assert made is not None
    yield made
    await database.close()


@asynccontextmanager
async def listening(url: str, folder: Path, key: str = "key") -> AsyncIterator[asyncio.Queue[str]]:
    """The notices that a worker receives, from the moment its socket exists."""
    received: asyncio.Queue[str] = asyncio.Queue()
    before = sockets(folder)

    async def listen() -> None:
        listener = dispatch_listener(url, prepare=True, key=key)
        assert listener is not None
        async for notice in listener.notices():
            received.put_nowait(notice)

    task = asyncio.create_task(listen())
    try:
        async with asyncio.timeout(5):
            while sockets(folder) == before:  # noqa: ASYNC110 - a new file sends no event
                await asyncio.sleep(0.01)
        yield received
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
def url(tmp_path: Path) -> str:
    """URL of a database."""
    return f"sqlite:///{tmp_path / 'x.sqlite3'}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of its sockets."""
    return tmp_path / "x.sqlite3-bell"


async def test_notices_arrive_at_every_worker_in_order(url: str, folder: Path) -> None:
    """Each worker receives every notice unchanged and in order."""
    notices = [f"session-{number}" for number in range(30)]
    async with (
        notifying(url) as notifier,
        listening(url, folder) as one,
        listening(url, folder) as two,
    ):
        for received in (one, two):
            for notice in notices:
                notifier.notify(notice)
                async with asyncio.timeout(5):
                    assert await received.get() == notice
    assert sockets(folder) == []  # a listener removes its socket when it ends


async def test_workers_of_another_livekit_are_not_notified(url: str, folder: Path) -> None:
    """A worker with another API key gets no notice: it would claim a session whose room it cannot join."""
    async with (
        notifying(url) as notifier,
        listening(url, folder) as ours,
        listening(url, folder, "other") as others,
    ):
        notifier.notify("id")
        async with asyncio.timeout(5):
            assert await ours.get() == "id"
        assert others.empty()


async def test_only_the_same_user_may_notify(url: str, folder: Path) -> None:
    """The folder of the sockets admits only the user that created it."""
    async with listening(url, folder):
        assert mode(folder) == 0o700


async def test_notice_without_a_listener(url: str) -> None:
    """A notice without any listener raises nothing."""
    async with notifying(url) as notifier:
        notifier.notify("id")


async def test_socket_of_a_killed_worker_is_removed(url: str, folder: Path) -> None:
    """The first notice removes the socket that a killed worker left, and reaches the living ones."""
    async with notifying(url) as notifier, listening(url, folder) as received:
        (living,) = sockets(folder)
        dead = Path(living).name[:-1] + ("1" if living.endswith("0") else "0")
        with stranger(folder) as left:
            left.bind(dead)
        notifier.notify("id")
        async with asyncio.timeout(5):
            assert await received.get() == "id"
        assert sockets(folder) == [living]


async def test_malformed_notices_are_ignored(url: str, folder: Path) -> None:
    """A listener ignores what names no session, such as a room and metadata, and receives the next one."""
    async with notifying(url) as notifier, listening(url, folder) as received:
        (listener,) = sockets(folder)
        with stranger(folder) as other:
            for text in (b"", b"{", b"a b", b"\xff", b"x" * 65, b'["agent-9-room","{}"]'):
                other.sendto(text, Path(listener).name)
        notifier.notify("id")
        async with asyncio.timeout(5):
            assert await received.get() == "id"


async def test_database_may_be_in_a_deep_folder(tmp_path: Path) -> None:
    """Notifications work where the socket's path is longer than the 107 bytes of unix(7)."""
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    url = f"sqlite:///{deep / 'x.sqlite3'}"
    folder = deep / "x.sqlite3-bell"
    async with notifying(url) as notifier, listening(url, folder) as received:
        notifier.notify("id")
        async with asyncio.timeout(5):
            assert await received.get() == "id"
    assert sockets(folder) == []


@pytest.fixture
def no_folder(folder: Path) -> None:
    """A file in the place of the folder, so that no socket can be created."""
    folder.touch()


@pytest.mark.usefixtures("no_folder")
async def test_listener_without_a_socket_does_not_end(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A listener that cannot create its socket logs why and waits; LiveKit's offers still arrive."""
    caplog.set_level("INFO")
    listener = dispatch_listener(url, prepare=True, key="key")
    assert listener is not None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await anext(listener.notices())
    assert "not listening for sessions" in caplog.text
    async with notifying(url) as notifier:
        notifier.notify("id")
