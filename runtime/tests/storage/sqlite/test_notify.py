"""The bell of an SQLite database: sockets beside it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, chdir, contextmanager
from pathlib import Path

import pytest

from agent_runtime.domain.ports.workers import DispatchNotifier
from agent_runtime.storage import dispatch_listener, dispatch_notifier, open_database


def ears(folder: Path) -> list[str]:
    """The sockets that are there."""
    return sorted(map(str, folder.glob("*")))


def mode(folder: Path) -> int:
    """Who may do what with it."""
    return folder.stat().st_mode & 0o777


@contextmanager
def stranger(folder: Path) -> Iterator[socket.socket]:
    """A socket of somebody else, who is in the folder: paths from there are short enough."""
    with chdir(folder), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        yield made


@asynccontextmanager
async def bell(url: str, key: str = "key") -> AsyncIterator[DispatchNotifier]:
    """As the API has it."""
    database = open_database(url)
    made = dispatch_notifier(database, url, prepare=True, key=key)
    assert made is not None
    yield made
    await database.close()


@asynccontextmanager
async def listening(
    url: str, folder: Path, key: str = "key"
) -> AsyncIterator[asyncio.Queue[tuple[str, str]]]:
    """What a worker hears, from the moment at which its socket is there."""
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    before = ears(folder)

    async def listen() -> None:
        ear = dispatch_listener(url, prepare=True, key=key)
        assert ear is not None
        async for notify in ear.notices():
            heard.put_nowait(notify)

    task = asyncio.create_task(listen())
    try:
        async with asyncio.timeout(5):
            while ears(folder) == before:  # noqa: ASYNC110 - a file tells nobody that it is there
                await asyncio.sleep(0.01)
        yield heard
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Of a database."""
    return f"sqlite:///{tmp_path / 'x.sqlite3'}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where its ears are."""
    return tmp_path / "x.sqlite3-bell"


async def test_what_is_rung_every_worker_hears_in_order(url: str, folder: Path) -> None:
    """The texts arrive as they were, also long ones."""
    notices = [(f"room-{number}", '{"name": "Zoë"}' + "x" * number * 300) for number in range(30)]
    async with bell(url) as rung, listening(url, folder) as one, listening(url, folder) as two:
        for heard in (one, two):
            for notify in notices:
                rung.notify(*notify)
                async with asyncio.timeout(5):
                    assert await heard.get() == notify
    assert ears(folder) == []  # whoever leaves takes the socket along


async def test_another_livekit_s_workers_do_not_hear_it(url: str, folder: Path) -> None:
    """They could not join its rooms, and would take its sessions all the same."""
    async with (
        bell(url) as rung,
        listening(url, folder) as ours,
        listening(url, folder, "other") as others,
    ):
        rung.notify("room", "{}")
        async with asyncio.timeout(5):
            assert await ours.get() == ("room", "{}")
        assert others.empty()


async def test_only_the_same_user_may_ring(url: str, folder: Path) -> None:
    """Nobody else enters the folder."""
    async with listening(url, folder):
        assert mode(folder) == 0o700


async def test_nobody_listens(url: str) -> None:
    """Nothing happens."""
    async with bell(url) as rung:
        rung.notify("room", "{}")


async def test_a_worker_that_was_killed_is_forgotten(url: str, folder: Path) -> None:
    """Its socket is still there, and nobody behind it; the others hear the same ring."""
    async with bell(url) as rung, listening(url, folder) as heard:
        (living,) = ears(folder)
        dead = Path(living).name[:-1] + ("1" if living.endswith("0") else "0")
        with stranger(folder) as left:
            left.bind(dead)
        rung.notify("room", "{}")
        async with asyncio.timeout(5):
            assert await heard.get() == ("room", "{}")
        assert ears(folder) == [living]


async def test_what_makes_no_sense_is_not_heard(url: str, folder: Path) -> None:
    """The next ring is."""
    async with bell(url) as rung, listening(url, folder) as heard:
        (ear,) = ears(folder)
        with stranger(folder) as other:
            for text in (b"", b"{", b"[1,2]", b'["room"]'):
                other.sendto(text, Path(ear).name)
        rung.notify("room", "{}")
        async with asyncio.timeout(5):
            assert await heard.get() == ("room", "{}")


async def test_a_path_may_be_longer_than_a_socket_s(tmp_path: Path) -> None:
    """Nobody who puts a database into a deep folder has to know what unix(7) allows."""
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    url = f"sqlite:///{deep / 'x.sqlite3'}"
    folder = deep / "x.sqlite3-bell"
    async with bell(url) as rung, listening(url, folder) as heard:
        rung.notify("room", "{}")
        async with asyncio.timeout(5):
            assert await heard.get() == ("room", "{}")
    assert ears(folder) == []


@pytest.fixture
def no_folder(folder: Path) -> None:
    """Where the sockets should be is a file."""
    folder.touch()


@pytest.mark.usefixtures("no_folder")
async def test_an_ear_that_cannot_hear_does_not_end(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker that has it goes on with what LiveKit offers; the log says why."""
    caplog.set_level("INFO")
    ear = dispatch_listener(url, prepare=True, key="key")
    assert ear is not None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await anext(ear.notices())
    assert "not listening for sessions" in caplog.text
    async with bell(url) as rung:
        rung.notify("room", "{}")
