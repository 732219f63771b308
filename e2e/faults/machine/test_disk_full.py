"""The disk with the SQLite database is full."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.agents import sample_agent
from fixtures.runtime_client.api import Api, ApiError
from fixtures.servers import LiveKitServer
from fixtures.stack import Stack, StackSettings
from fixtures.stack.stack import command


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB in memory; mounting it requires root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


async def test_nothing_is_acknowledged_that_is_not_stored(
    small_disk: Path, livekit: LiveKitServer, tmp_path: Path
) -> None:
    """On a full disk a create answers 503 and stored sessions are readable; with space all works again."""
    stack = Stack(
        StackSettings(
            livekit_url=livekit.url,
            livekit_api_key=livekit.api_key,
            livekit_api_secret=livekit.api_secret,
            database_url=f"sqlite:///{small_disk / 'runtime.sqlite3'}",
            log_folder=tmp_path,
        )
    )
    agent_id = 990_001
    try:
        stack.start_api()
        async with Api(stack.api_url, stack.settings.api_key) as api:
            await api.register(agent_id, sample_agent("receptionist"))
            before = await api.create(agent_id, "before")
            fill(small_disk / "ballast")
            with pytest.raises(ApiError) as refused:
                for number in range(200):  # the last pages of the journal may still have room
                    await api.create(agent_id, f"full-{number}")
            assert refused.value.status == 503
            assert "full" in refused.value.error
            assert (await api.session(before))["status"] == "connecting"
            (small_disk / "ballast").unlink()
            after = await api.create(agent_id, "after")
            assert (await api.session(after))["status"] == "connecting"
            for session_id in (before, after):
                await api.end(session_id)
    finally:
        stack.stop()
    doctor = await asyncio.to_thread(run_doctor, stack)
    assert doctor.returncode == 0, doctor.stdout


def run_doctor(stack: Stack) -> subprocess.CompletedProcess[str]:
    """Check the stack's database with the doctor."""
    return subprocess.run(
        [command(), "doctor"], env=stack.environ, capture_output=True, text=True, check=False
    )


def fill(path: Path) -> None:
    """Write to the file until the disk is full."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (65536, 4096, 1):
            while True:
                try:
                    os.write(descriptor, b"\0" * size)
                except OSError:
                    break
    finally:
        os.close(descriptor)
