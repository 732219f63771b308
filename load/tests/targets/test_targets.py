"""The targets of a run, and the environment and HTTP paths of the others."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from fixtures.runtime_client.api import Api
from load.command import run_parser
from load.services import ServiceUnavailable
from load.targets.http_paths import application
from load.targets.pipecat_venv import LOCK, find_or_install


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([], ("ours",)),
        (["--target", "pipecat-timeout"], ("pipecat-timeout",)),
        (["--target", "both"], ("stock", "ours")),
        (["--target", "ours,stock,pipecat"], ("ours", "stock", "pipecat")),
    ],
)
def test_targets_are_named(given: list[str], meant: tuple[str, ...]) -> None:
    """--target names targets in the order of the first round; the default is ours."""
    assert run_parser().parse_args(given).target == meant


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("ours,theirs", "'theirs' is not one of ours, stock, pipecat, pipecat-timeout, both"),
        ("ours,", "'' is not one of"),
        ("stock,ours,stock", "names a target twice"),
    ],
)
def test_other_targets_are_refused(
    given: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown or repeated target is an error that lists the known ones."""
    with pytest.raises(SystemExit):
        run_parser().parse_args(["--target", given])
    assert why in capsys.readouterr().err


def test_a_failed_installation_reports_its_reason(tmp_path: Path) -> None:
    """A failed installation of Pipecat reports pip's output and leaves nothing for the next run to use."""
    lock, cache = tmp_path / "lock.txt", tmp_path / "cache"
    lock.write_text("this is no requirement\n")
    with pytest.raises(
        ServiceUnavailable, match=r"(?s)cannot install Pipecat: .* failed:.*requirement"
    ):
        find_or_install(lock, cache)
    assert list(cache.iterdir()) == []


def test_pipecat_is_pinned_by_hashes() -> None:
    """Every package in Pipecat's lock file has an exact version and hashes."""
    entries = [line for line in LOCK.read_text().splitlines() if line and line[0] not in "# "]
    assert any(entry.startswith("pipecat-ai==1.") for entry in entries)
    assert all("==" in entry and entry.endswith("\\") for entry in entries)


class FakeRooms:
    """Records the calls of its methods."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def create(self, room: str) -> None:
        """Record a create."""
        self.calls.append(f"create {room}")

    async def end(self, room: str) -> None:
        """Record an end."""
        self.calls.append(f"end {room}")


async def test_callers_use_a_target_as_they_use_our_api() -> None:
    """The client of our API works with another target's HTTP paths."""
    rooms = FakeRooms()

    @asynccontextmanager
    async def open_rooms() -> AsyncIterator[FakeRooms]:
        yield rooms
        rooms.calls.append("closed")

    async with (
        TestServer(application(open_rooms)) as server,
        Api(str(server.make_url("/")), "") as api,
    ):
        await api.register(7, {})
        session = await api.create(7, "a-room")
        await api.end(session)
    assert rooms.calls == ["create a-room", "end a-room", "closed"]
