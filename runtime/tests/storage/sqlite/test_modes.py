"""The files of an SQLite database belong to one user, whatever the umask."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.storage import RegisteredAgents, StoredSessions, dispatch_listener, open_database


@pytest.fixture(params=[0o000, 0o022, 0o177])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """The umask of a careless and of a strange shell."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """The permission bits of everything in the folder, by name."""
    return {one.name: f"{one.stat().st_mode & 0o777:o}" for one in folder.iterdir()}


async def test_new_files_are_private(tmp_path: Path, umask: int) -> None:
    """Database, log and index are 0600, and each folder that was made for them is 0700."""
    os.umask(umask)
    folder = tmp_path / "a/b"
    database = open_database(f"sqlite:///{folder / 'x.sqlite3'}")
    try:
        await RegisteredAgents(database, StoredSessions(database)).register(
            Registration(7, 1, {}, 1)
        )
        assert modes(folder) == dict.fromkeys(
            ("x.sqlite3", "x.sqlite3-wal", "x.sqlite3-shm"), "600"
        )
        assert (modes(tmp_path), modes(tmp_path / "a")) == ({"a": "700"}, {"b": "700"})
    finally:
        await database.close()


def test_wide_files_are_closed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A database that others could read is closed to them with a warning, its companions as well."""
    path = tmp_path / "x.sqlite3"
    held = sqlite3.connect(path)
    held.execute("PRAGMA journal_mode = WAL")
    held.execute("CREATE TABLE t (a)")
    for name in modes(tmp_path):
        (tmp_path / name).chmod(0o664)
    open_database(f"sqlite:///{path}")
    held.close()
    assert set(modes(tmp_path).values()) == {"600"}
    assert caplog.text.count("was open to other users (mode 664)") == 3


@pytest.fixture
def wide_folder(tmp_path: Path) -> Path:
    """The folder of the workers' sockets, open to everybody."""
    folder = tmp_path / "x.sqlite3-bell"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


async def test_sockets_are_private(tmp_path: Path, wide_folder: Path, umask: int) -> None:
    """The folder of the workers' sockets is 0700, also one that was open, and each socket 0600."""
    import asyncio

    os.umask(umask)
    url = f"sqlite:///{tmp_path / 'x.sqlite3'}"
    folder = wide_folder
    listener = dispatch_listener(url, prepare=True, key="key")
    assert listener is not None
    notices = asyncio.ensure_future(anext(listener.notices()))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        while not modes(folder):  # noqa: ASYNC110 - a new file sends no event
            await asyncio.sleep(0)
    assert modes(tmp_path)[folder.name] == "700"
    assert list(modes(folder).values()) == ["600"]
    notices.cancel()
