"""Steps of a call that need neither LiveKit nor a database: how it leaves, and what for."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest
from livekit import api, rtc
from livekit.agents import JobContext

from agent_runtime.domain.job import JobTarget
from agent_runtime.domain.session import SessionStatus
from agent_runtime.voice.call import Call
from agent_runtime.voice.settings import VoiceSettings
from agent_runtime.voice.stores import Stores


class Room(rtc.EventEmitter[Any]):
    """A room with the people that the test puts there."""

    def __init__(self) -> None:
        super().__init__()
        self.remote_participants: dict[str, Any] = {}


class Job:
    """LiveKit's order to join the room."""

    local_participant_identity = "agent-abc"

    def __init__(self) -> None:
        self.room = Room()
        self.job = api.Job(id="AJ_1", room=api.Room(name="lobby"))
        self.left: list[str] = []
        self.log_context_fields: dict[str, Any] = {}

    def is_fake_job(self) -> bool:
        """It has a room."""
        return False

    def shutdown(self, reason: str) -> None:
        """Of the job context."""
        self.left.append(reason)


class Rows:
    """The database."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.finished: list[tuple[SessionStatus, str]] = []
        self.released: list[str] = []

    async def finish(self, _session: str, status: SessionStatus, reason: str, **_by: Any) -> None:
        """Of the sessions."""
        self.finished.append((status, reason))

    async def release(self, _session: str, _holder: Any, why: str) -> None:
        """Of the leases."""
        self.released.append(why)

    async def count_participants(self, _session: str, _count: int) -> None:
        """Of the sessions."""
        if self.error is not None:
            raise self.error


class Scene:
    """One call without its voice."""

    def __init__(self, settings: VoiceSettings, opened: AsyncExitStack) -> None:
        self.job = Job()
        self.rows = Rows()
        self.call = Call(
            cast("JobContext", self.job),
            JobTarget(7, "abc", 3),
            Stores(*[cast("Any", self.rows)] * 6),
            settings,
            opened,
            None,
        )


@pytest.fixture
async def scene(voice_settings: VoiceSettings) -> Scene:
    """One that has begun."""
    return Scene(voice_settings, AsyncExitStack())


class Broken:
    """A part of the call that cannot be closed."""

    async def close(self, **_given: Any) -> None:
        """Never."""
        raise ValueError("cannot be closed")


@pytest.mark.parametrize("part", ["_turns", "_memory"])
async def test_the_row_ends_whatever_else_fails(
    scene: Scene, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    """And the log says what did."""
    setattr(scene.call, part, Broken())
    scene.call._leave(SessionStatus.ENDED, "the caller left")
    await scene.call.close("user requested")
    assert scene.rows.finished == [(SessionStatus.ENDED, "the caller left")]
    assert "cannot be closed" in caplog.text


async def test_a_session_is_given_back_whatever_else_fails(scene: Scene) -> None:
    """To whoever goes on with it."""
    scene.call._turns = cast("Any", Broken())
    scene.call._hand_back("lost")
    await scene.call.close("lost")
    assert (scene.rows.released, scene.rows.finished) == (["lost"], [])


async def test_a_task_that_fails_is_in_the_log(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for it, so nobody else would say so."""
    scene.rows.error = ValueError("not a number")
    scene.call._count_participants()
    await asyncio.sleep(0.01)
    (record,) = caplog.records
    assert record.message == "a task of the call failed"
    assert "ValueError: not a number" in caplog.text
