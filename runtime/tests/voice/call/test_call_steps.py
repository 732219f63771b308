"""Steps of a call that need neither LiveKit nor a database: how it leaves, and what for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
from livekit import api, rtc
from livekit.agents import JobContext
from livekit.rtc.participant import PublishTrackError

from agent_runtime.agents import parse_registered
from agent_runtime.domain.job import JobTarget
from agent_runtime.domain.lease import Utterance
from agent_runtime.domain.session import SessionStatus
from agent_runtime.voice.call import call as call_module
from agent_runtime.voice.call.call import Call
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.jobs.stores import Stores


class Room(rtc.EventEmitter[Any]):
    """A room with the people that the test puts there."""

    def __init__(self) -> None:
        super().__init__()
        self.remote_participants: dict[str, Any] = {}
        self.local_participant = SimpleNamespace(identity="agent-abc")


class Job:
    """LiveKit's order to join the room."""

    local_participant_identity = "agent-abc"
    proc = None

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

    async def set_participant_count(self, _session: str, _count: int) -> None:
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

    def settings(self, monkeypatch: pytest.MonkeyPatch, **changed: float) -> None:
        """Other ones than the worker's."""
        worker = self.call._settings.worker.model_copy(update=changed)
        monkeypatch.setattr(self.call, "_settings", replace(self.call._settings, worker=worker))


@pytest.fixture
async def scene(voice_settings: VoiceSettings) -> Scene:
    """One that has begun."""
    return Scene(voice_settings, AsyncExitStack())


class Broken:
    """A part of the call that cannot be closed."""

    async def close(self, *_given: Any) -> None:
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


class Patient:
    """The memory of a call; it writes down how long it may take."""

    def __init__(self) -> None:
        self.given: list[float] = []

    async def close(self, patience: float) -> None:
        """Of the memory."""
        self.given.append(patience)


@pytest.mark.parametrize("goes_on", [True, False])
async def test_last_words_are_kept_for_whoever_goes_on(scene: Scene, *, goes_on: bool) -> None:
    """And for nobody else."""
    memory = Patient()
    scene.call._memory = cast("Any", memory)
    if goes_on:
        scene.call._hand_back("lost")
    await scene.call.close("lost")
    assert memory.given == [call_module.LAST_WORDS if goes_on else 0]


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


class Pipeline:
    """What listens and speaks; it writes down what it is told to say."""

    room_io = None

    def __init__(self) -> None:
        self.said: list[str] = []
        self.error: Exception | None = None
        self.output = SimpleNamespace(audio=None)

    def on(self, *_given: Any) -> None:
        """Of the agent session."""

    async def start(self, *_given: Any, **_options: Any) -> None:
        """Of the agent session."""

    def say(self, text: str) -> None:
        """Of the agent session."""
        if self.error is not None:
            raise self.error
        self.said.append(text)

    def generate_reply(self) -> None:
        """Of the agent session."""
        self.said.append("reply")


class Mouth:
    """What the agent speaks through; it may not be let into the room."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.closed = False

    async def publish(self, _participant: Any) -> None:
        """Of the loudspeaker."""
        if self.error is not None:
            raise self.error

    async def close(self) -> None:
        """Of the loudspeaker."""
        self.closed = True


def person(
    *,
    kind: Any = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
    state: Any = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE,
) -> Any:
    """Somebody in the room."""
    return SimpleNamespace(identity="someone", kind=kind, state=state)


@pytest.fixture
def talking(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[Pipeline]]:
    """Lets the call begin, after what was said before."""
    for of_the_voice in ("ConfiguredAgent", "room_options"):
        monkeypatch.setattr(call_module, of_the_voice, lambda *_: None)
    monkeypatch.setattr(call_module, "TurnReporter", lambda _: MagicMock())
    monkeypatch.setattr(call_module, "TrackAudioOutput", Mouth)
    pipeline = Pipeline()

    async def begin(*said: Utterance) -> Pipeline:
        scene.job.room.on("disconnected", scene.call._on_room_disconnected)
        scene.call._prepared = cast("Any", (pipeline, None))
        agent = cast("Any", SimpleNamespace(config=SimpleNamespace(greeting="Hello.")))
        async with asyncio.timeout(1):
            await scene.call._talk(agent, list(said))
        await asyncio.sleep(0.01)
        return pipeline

    return begin


@pytest.mark.parametrize(("pressure", "frame_ms"), [(10.0, 20), (60.0, 50), (None, 20)])
async def test_a_call_that_begins_on_a_busy_machine_hears_in_longer_pieces(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, pressure: float | None, frame_ms: int
) -> None:
    """Which cost less; all calls would wait longer for a CPU else."""
    agent = SimpleNamespace(config=parse_registered({}), max_sessions=1, tenant_id=3)

    async def found(*_: Any) -> Any:
        return agent

    monkeypatch.setattr(call_module, "find_agent", found)
    monkeypatch.setattr(call_module, "recent_pressure", lambda: pressure)
    monkeypatch.setattr(call_module, "build_session", lambda _config, pace, *_: pace)
    await scene.call._prepare()
    assert scene.call._prepared is not None
    of_session, of_ears = cast("Any", scene.call._prepared)
    assert (of_session.frame_ms, of_ears.frame_ms) == (frame_ms, frame_ms)


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ([], ["Hello."]),
        ([Utterance("user", "Hi"), Utterance("assistant", "Hello.")], []),
        ([Utterance("assistant", "Hello."), Utterance("user", "Hi")], ["reply"]),
    ],
)
async def test_a_caller_who_is_there_is_spoken_to(
    scene: Scene,
    talking: Callable[..., Awaitable[Pipeline]],
    before: list[Utterance],
    then: list[str],
) -> None:
    """Greeted, unless another agent has; what that one left unanswered is answered."""
    scene.job.room.remote_participants["someone"] = person()
    assert (await talking(*before)).said == then
    await scene.call.close("user requested")


async def test_the_agent_speaks_through_an_output_of_its_own(
    scene: Scene, talking: Callable[..., Awaitable[Pipeline]]
) -> None:
    """Which is closed with the call."""
    mouth = (await talking()).output.audio
    assert isinstance(mouth, Mouth)
    assert not mouth.closed
    await scene.call.close("user requested")
    assert mouth.closed


async def test_an_agent_that_cannot_speak_gives_the_session_back(
    scene: Scene,
    talking: Callable[..., Awaitable[Pipeline]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another job may do better."""
    mute = Mouth(PublishTrackError("track publication timed out"))
    monkeypatch.setattr(call_module, "TrackAudioOutput", lambda: mute)
    await talking()
    await scene.call.close("lost")
    (why,) = scene.rows.released
    assert "publish the agent's voice: track publication timed out" in why


async def test_the_greeting_waits_for_a_caller_who_can_hear_it(
    scene: Scene, talking: Callable[..., Awaitable[Pipeline]]
) -> None:
    """Not for an agent or a recorder, and not for one who is still joining."""
    joining = person(state=rtc.ParticipantState.PARTICIPANT_STATE_JOINING)
    scene.job.room.remote_participants["someone"] = joining
    scene.job.room.remote_participants["other"] = person(
        kind=rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    )
    pipeline = await talking()
    scene.job.room.emit("participant_active", scene.job.room.remote_participants["other"])
    await asyncio.sleep(0.01)
    assert pipeline.said == []
    scene.job.room.emit("participant_active", joining)
    await asyncio.sleep(0.01)
    assert pipeline.said == ["Hello."]
    await scene.call.close("user requested")


async def test_a_connection_lost_before_the_caller_came_is_given_back(
    scene: Scene, talking: Callable[..., Awaitable[Pipeline]], caplog: pytest.LogCaptureFixture
) -> None:
    """Another agent waits in its place, and nothing failed."""
    pipeline = await talking()
    room = scene.job.room
    room.emit("connection_state_changed", rtc.ConnectionState.CONN_DISCONNECTED)
    room.emit("disconnected", rtc.DisconnectReason.SIGNAL_CLOSE)
    room.emit("participant_active", person())  # late
    await asyncio.sleep(0.01)
    await scene.call.close("room disconnected")
    assert (scene.rows.released, scene.rows.finished) == (["left the room: signal_close"], [])
    assert pipeline.said == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_call_that_cannot_begin_is_an_error(
    scene: Scene, talking: Callable[..., Awaitable[Pipeline]], caplog: pytest.LogCaptureFixture
) -> None:
    """The row names it, and the log has the trace."""
    pipeline = await talking()
    pipeline.error = RuntimeError("no voice")
    scene.job.room.emit("participant_active", person())
    await asyncio.sleep(0.01)
    assert scene.job.left == ["RuntimeError: no voice"]
    await scene.call.close("user requested")
    assert scene.rows.finished == [(SessionStatus.ERROR, "RuntimeError: no voice")]
    assert "Traceback" in caplog.text


async def test_nobody_comes_to_a_new_session(
    scene: Scene, talking: Callable[..., Awaitable[Pipeline]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits as long as it is told to."""
    scene.settings(monkeypatch, wait_for_caller=0.05)
    await talking()
    await asyncio.sleep(0.1)
    assert scene.job.left == ["no caller came"]
    await scene.call.close("no caller came")


async def test_nobody_is_there_any_more_when_an_agent_takes_over(
    scene: Scene, talking: Callable[..., Awaitable[Pipeline]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller has left meanwhile: the session does not hold a place for five minutes more."""
    scene.settings(monkeypatch, leave_grace=0.05)
    monkeypatch.setattr(call_module, "COME_BACK", 0.05)
    await talking(Utterance("assistant", "Hello."))
    await asyncio.sleep(0.06)
    assert scene.job.left == []
    await asyncio.sleep(0.1)
    assert scene.job.left == ["the caller left"]
    await scene.call.close("the caller left")


@pytest.mark.parametrize(
    ("why", "reason", "outcome"),
    [
        (
            "parent process shutdown",
            rtc.DisconnectReason.CLIENT_INITIATED,
            (SessionStatus.ENDED, "the worker was shut down"),
        ),
        (
            "job crashed",
            rtc.DisconnectReason.CLIENT_INITIATED,
            (SessionStatus.ERROR, "the job ended before the call did: job crashed"),
        ),
        (
            "room disconnected",
            rtc.DisconnectReason.ROOM_DELETED,
            (SessionStatus.ENDED, "left the room: room_deleted"),
        ),
    ],
)
async def test_the_row_says_who_ended_the_call(
    scene: Scene, why: str, reason: int, outcome: tuple[SessionStatus, str]
) -> None:
    """A job leaves the room whatever it ends for: that is no reason."""
    scene.call._on_room_disconnected(reason)
    await scene.call.close(why)
    assert scene.rows.finished == [outcome]
