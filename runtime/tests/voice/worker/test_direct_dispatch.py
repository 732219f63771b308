"""Sessions that a worker takes before LiveKit offers their jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from livekit import api
from livekit.agents import AgentServer
from livekit.protocol.agent import Job
from livekit.protocol.models import Room
from pydantic import SecretStr

from agent_runtime.domain.job import JobTarget
from agent_runtime.voice.jobs.metadata import holder_of, metadata_of, room_with
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.worker.admission import Admission, Claimed
from agent_runtime.voice.worker.direct_dispatch import PATIENCE, DirectDispatch

METADATA = JobTarget(7, "abc", 3).to_metadata()


@dataclass
class Rung:
    """An ear that hears what the test says."""

    queue: asyncio.Queue[tuple[str, str]] = field(default_factory=asyncio.Queue)

    async def notices(self) -> AsyncIterator[tuple[str, str]]:
        """Without end."""
        while True:
            yield await self.queue.get()


class Server:
    """Writes down what it is to launch, and takes as long as the test says."""

    def __init__(self) -> None:
        self.launched: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.broken = False
        self.free = asyncio.Event()
        self.free.set()

    async def simulate_job(self, room: str, **given: Any) -> None:
        """Of the agent server."""
        self.launched.put_nowait({"room": room, **given})
        if self.broken:
            raise RuntimeError("no process")
        await self.free.wait()


class Claims:
    """An admission that claims every session, or none."""

    manners = 0.0

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failed: list[str] = []
        self.refuses = False

    async def claim_unoffered(self, room_name: str, _metadata: str) -> Claimed | None:
        """Of the admission."""
        self.asked.append(room_name)
        return None if self.refuses else Claimed("rung-1", "agent-abc.2", "agent 7")

    @contextmanager
    def launching(self, claimed: Claimed) -> Iterator[None]:
        """Of the admission."""
        try:
            yield
        except RuntimeError:
            self.failed.append(claimed.holder)
            raise


@dataclass
class Scene:
    """A worker that listens."""

    ear: Rung
    server: Server
    admission: Claims
    settings: VoiceSettings
    unoffered: DirectDispatch

    def notify(self, room: str) -> None:
        """The API's part."""
        self.ear.queue.put_nowait((room, METADATA))


@pytest.fixture
async def scene(voice_settings: VoiceSettings) -> AsyncIterator[Scene]:
    """One at work."""
    livekit = voice_settings.livekit.model_copy(update={"api_secret": SecretStr("s" * 32)})
    known = replace(voice_settings, livekit=livekit)
    ear, server, admission = Rung(), Server(), Claims()
    unoffered = DirectDispatch(
        cast("AgentServer", server), cast("Admission", admission), known, ear
    )
    found = Scene(ear, server, admission, known, unoffered)
    task = asyncio.create_task(unoffered.run())
    yield found
    task.cancel()
    await asyncio.wait([task])


async def test_the_job_is_launched_with_all_that_livekit_would_have_given(scene: Scene) -> None:
    """A token for the room as an agent, and the session's metadata."""
    scene.notify("room-1")
    async with asyncio.timeout(5):
        launched = await scene.server.launched.get()
    assert launched["room"] == "room-1"
    claims = api.TokenVerifier("key", "s" * 32).verify(launched["token"])
    assert (claims.identity, claims.name, claims.kind) == ("agent-abc.2", "agent 7", "agent")
    assert claims.video is not None
    assert (claims.video.room_join, claims.video.room) == (True, "room-1")
    assert claims.video.agent
    assert claims.video.can_update_own_metadata
    job = Job(id="job-5", room=launched["room_info"])
    assert (holder_of(job), metadata_of(job)) == ("rung-1", METADATA)


async def test_what_cannot_be_claimed_is_not_launched(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """It is full, or another worker was quicker."""
    scene.admission.refuses = True
    scene.notify("room-1")
    await asyncio.sleep(0.05)
    assert scene.admission.asked == ["room-1"]
    assert scene.server.launched.empty()
    assert "session not taken" not in caplog.text  # that would be a failure


async def test_while_a_launch_takes_long_the_rest_is_left_to_livekit(scene: Scene) -> None:
    """Unclaimed: no warm process is there, and its offers are as quick then."""
    scene.server.free.clear()
    scene.notify("room-1")
    await scene.server.launched.get()
    scene.notify("room-2")
    await asyncio.sleep(PATIENCE * 2)
    assert scene.admission.asked == ["room-1"]
    scene.server.free.set()
    scene.notify("room-3")
    async with asyncio.timeout(5):
        assert (await scene.server.launched.get())["room"] == "room-3"


async def test_a_launch_that_fails_is_told_and_the_next_ring_heard(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """With its trace and its room; what was claimed for it is given back."""
    scene.server.broken = True
    for room in ("room-1", "room-2"):
        scene.notify(room)
        async with asyncio.timeout(5):
            await scene.server.launched.get()
    await asyncio.sleep(0.05)
    told = [(record.room, str(record.exc_info[1])) for record in caplog.records if record.exc_info]  # type: ignore[attr-defined]
    assert told == [("room-1", "no process"), ("room-2", "no process")]
    assert scene.admission.failed == ["rung-1", "rung-1"]


async def test_it_settles_when_what_was_begun_is_launched(scene: Scene) -> None:
    """A worker that is to leave waits for that: afterwards it launches nothing."""
    scene.server.free.clear()
    scene.notify("room-1")
    await scene.server.launched.get()
    settling = asyncio.create_task(scene.unoffered.settle())
    await asyncio.sleep(0.05)
    assert not settling.done()
    scene.server.free.set()
    async with asyncio.timeout(5):
        await settling
        await scene.unoffered.settle()  # nothing is begun: at once


def test_livekit_s_own_jobs_are_what_they_say() -> None:
    """Whatever the metadata of their rooms are."""
    room = room_with("room", "{}", "rung-1")
    offered = Job(id="AJ_1", dispatch_id="AD_1", room=room, metadata="mine")
    assert (holder_of(offered), metadata_of(offered)) == ("AJ_1", "mine")
    plain = Job(id="AJ_1", room=Room(name="room", metadata="[1]"), metadata="mine")
    assert (holder_of(plain), metadata_of(plain)) == ("AJ_1", "mine")
