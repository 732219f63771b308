"""Jobs that a worker launches on the API's notification, before LiveKit offers them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from livekit import api
from livekit.agents import AgentServer
from livekit.protocol.agent import Job
from livekit.protocol.models import Room
from pydantic import SecretStr

from agent_runtime.domain.job import JobOrder, JobTarget
from agent_runtime.voice.jobs.metadata import direct_dispatch_room, holder_of, metadata_of
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.worker.admission import Admission, ClaimedSession
from agent_runtime.voice.worker.direct_dispatch import MAX_LAUNCH_WAIT, DirectDispatch

METADATA = JobTarget(7, "abc", 3).to_metadata()


@dataclass
class Listener:
    """A dispatch listener whose notifications the test sends."""

    queue: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def notices(self) -> AsyncIterator[str]:
        """Yield them without end."""
        while True:
            yield await self.queue.get()


class Server:
    """An agent server that records its launches; each takes until `free` is set."""

    def __init__(self) -> None:
        self.launched: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.broken = False
        self.free = asyncio.Event()
        self.free.set()

    async def simulate_job(self, room: str, **given: Any) -> None:
        """Launch a job as the agent server does."""
        self.launched.put_nowait({"room": room, **given})
        if self.broken:
            raise RuntimeError("no process")
        await self.free.wait()


class Claims:
    """An admission that claims every session, or none."""

    head_start = 0.0

    def __init__(self) -> None:
        self.claims = self
        self.asked: list[str] = []
        self.failed: list[str] = []
        self.refuses = False

    async def order(self, session_id: str) -> JobOrder | None:
        """What the session's rows say; the room is named as the session, for the test to know it."""
        return None if session_id == "unknown" else JobOrder(session_id, METADATA)

    async def claim_directly(self, room_name: str, _metadata: str) -> ClaimedSession | None:
        """Claim a session as the admission does."""
        self.asked.append(room_name)
        return None if self.refuses else ClaimedSession("direct-1", "agent-abc.2", "agent 7")

    @contextmanager
    def launching(self, claimed: ClaimedSession) -> Iterator[None]:
        """Enclose a launch as the admission does."""
        try:
            yield
        except RuntimeError:
            self.failed.append(claimed.holder)
            raise


@dataclass
class Scene:
    """A worker that listens for notifications."""

    listener: Listener
    server: Server
    admission: Claims
    dispatch: DirectDispatch

    def notify(self, room: str) -> None:
        """Send a notification as the API does."""
        self.listener.queue.put_nowait(room)


@pytest.fixture
async def scene(voice_settings: VoiceSettings) -> AsyncIterator[Scene]:
    """Run a direct dispatch with an API key that signs tokens."""
    livekit = voice_settings.livekit.model_copy(update={"api_secret": SecretStr("s" * 32)})
    listener, server, admission = Listener(), Server(), Claims()
    dispatch = DirectDispatch(
        cast("AgentServer", server), cast("Admission", admission), livekit, listener
    )
    task = asyncio.create_task(dispatch.run())
    yield Scene(listener, server, admission, dispatch)
    task.cancel()
    await asyncio.wait([task])


async def test_the_job_is_launched_with_what_an_assignment_of_livekit_holds(scene: Scene) -> None:
    """The job has a token to join the room as an agent, and the session's metadata."""
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
    assert (holder_of(job), metadata_of(job)) == ("direct-1", METADATA)


async def test_a_session_that_cannot_be_claimed_is_not_launched(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """When the admission claims nothing, no job is launched and nothing is logged as a failure."""
    scene.admission.refuses = True
    scene.notify("room-1")
    await asyncio.sleep(0.05)
    assert scene.admission.asked == ["room-1"]
    assert scene.server.launched.empty()
    assert "direct dispatch failed" not in caplog.text


async def test_during_a_long_launch_other_sessions_are_left_to_livekit(scene: Scene) -> None:
    """They stay unclaimed: without a warm process LiveKit's offers are as quick."""
    scene.server.free.clear()
    scene.notify("room-1")
    await scene.server.launched.get()
    scene.notify("room-2")
    await asyncio.sleep(MAX_LAUNCH_WAIT * 2)
    assert scene.admission.asked == ["room-1"]
    scene.server.free.set()
    scene.notify("room-3")
    async with asyncio.timeout(5):
        assert (await scene.server.launched.get())["room"] == "room-3"


async def test_a_failed_launch_is_logged_and_the_next_notification_handled(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has the traceback and the session, and the admission learns of the failed launch."""
    scene.server.broken = True
    for room in ("room-1", "room-2"):
        scene.notify(room)
        async with asyncio.timeout(5):
            await scene.server.launched.get()
    await asyncio.sleep(0.05)
    logged = [
        (record.session, str(record.exc_info[1])) for record in caplog.records if record.exc_info
    ]  # type: ignore[attr-defined]
    assert logged == [("room-1", "no process"), ("room-2", "no process")]
    assert scene.admission.failed == ["direct-1", "direct-1"]


async def test_it_settles_when_each_dispatch_begun_is_launched(scene: Scene) -> None:
    """A worker that shuts down waits for that, since it launches nothing while it drains."""
    scene.server.free.clear()
    scene.notify("room-1")
    await scene.server.launched.get()
    settling = asyncio.create_task(scene.dispatch.settle())
    await asyncio.sleep(0.05)
    assert not settling.done()
    scene.server.free.set()
    async with asyncio.timeout(5):
        await settling
        await scene.dispatch.settle()  # without any dispatch it returns at once


def test_jobs_of_livekit_keep_their_own_id_and_metadata() -> None:
    """The metadata of their rooms, whatever they are, replace neither id nor metadata of the job."""
    room = direct_dispatch_room("room", "{}", "direct-1")
    offered = Job(id="AJ_1", dispatch_id="AD_1", room=room, metadata="mine")
    assert (holder_of(offered), metadata_of(offered)) == ("AJ_1", "mine")
    plain = Job(id="AJ_1", room=Room(name="room", metadata="[1]"), metadata="mine")
    assert (holder_of(plain), metadata_of(plain)) == ("AJ_1", "mine")
