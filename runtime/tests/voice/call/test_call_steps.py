"""Steps of a call that need neither LiveKit nor a database: whom it greets, and how it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock, MagicMock

import pytest
from livekit import api, rtc
from livekit.agents import JobContext
from livekit.rtc.participant import PublishTrackError

from agent_runtime.agents import parse_registered
from agent_runtime.agents.lookup import FoundAgent
from agent_runtime.domain.job import JobTarget
from agent_runtime.domain.lease import Utterance
from agent_runtime.domain.session import SessionStatus
from agent_runtime.voice.call import call as call_module
from agent_runtime.voice.call import companion, greeting, preparation
from agent_runtime.voice.call.call import Call
from agent_runtime.voice.call.context import context_of
from agent_runtime.voice.call.outcome import Outcome
from agent_runtime.voice.call.preparation import PreparedCall
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.jobs.stores import Stores
from agent_runtime.voice.turns.floor import Floor


class Room(rtc.EventEmitter[Any]):
    """A room with the participants that the test puts there."""

    def __init__(self) -> None:
        super().__init__()
        self.remote_participants: dict[str, Any] = {}
        self.local_participant = SimpleNamespace(
            identity="agent-abc", set_attributes=AsyncMock(), set_name=AsyncMock()
        )


class Job:
    """A job context of LiveKit."""

    local_participant_identity = "agent-abc"
    proc = None

    def __init__(self) -> None:
        self.room = Room()
        self.job = api.Job(id="AJ_1", room=api.Room(name="lobby"))
        self.left: list[str] = []
        self.log_context_fields: dict[str, Any] = {}

    def is_fake_job(self) -> bool:
        """Whether it has no room."""
        return False

    def shutdown(self, reason: str) -> None:
        """Record that the job has to end."""
        self.left.append(reason)


class Rows:
    """The stores of a call, without a database."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.finished: list[tuple[SessionStatus, str]] = []
        self.released: list[str] = []

    async def finish(self, _session: str, status: SessionStatus, reason: str, **_by: Any) -> None:
        """Record a final row."""
        self.finished.append((status, reason))

    async def release(self, _session: str, _holder: Any, why: str) -> None:
        """Record a session that is given back."""
        self.released.append(why)

    async def set_participant_count(self, _session: str, _count: int) -> None:
        """Fail, where the test wants it."""
        if self.error is not None:
            raise self.error


class Scene:
    """One call, without its voice unless a test adds it."""

    def __init__(self, settings: VoiceSettings, opened: AsyncExitStack) -> None:
        self.job = Job()
        self.rows = Rows()
        self.context = context_of(
            cast("JobContext", self.job),
            JobTarget(7, "abc", 3),
            Stores(*[cast("Any", self.rows)] * 6),
            settings,
        )
        self.call = Call(self.context, opened, None)

    def settings(self, monkeypatch: pytest.MonkeyPatch, **changed: float) -> None:
        """Change the call's settings."""
        worker = self.context.settings.worker.model_copy(update=changed)
        settings = replace(self.context.settings, worker=worker)
        monkeypatch.setattr(self.call, "_context", replace(self.context, settings=settings))


@pytest.fixture
async def scene(voice_settings: VoiceSettings) -> Scene:
    """A call whose session is not started."""
    return Scene(voice_settings, AsyncExitStack())


class Follower:
    """A companion; it records what the call does with it, and may fail to close."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.listened: list[Any] = []
        self.outcomes: list[Outcome] = []

    def listen_to(self, session: Any) -> None:
        """Record the session."""
        self.listened.append(session)

    async def close(self, outcome: Outcome, /) -> None:
        """Record the outcome, then fail if there is an error."""
        self.outcomes.append(outcome)
        if self.error is not None:
            raise self.error


async def test_every_companion_is_closed_and_the_row_ends_whatever_fails(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """A companion that fails to close is logged, keeps no other from closing, nor the row from its end."""
    followers = [Follower(), Follower(ValueError("cannot be closed")), Follower()]
    scene.call._companions = list(followers)
    scene.call.exit.end(SessionStatus.ENDED, "the caller left")
    await scene.call.close("user requested")
    ended = Outcome(SessionStatus.ENDED, "the caller left")
    assert [follower.outcomes for follower in followers] == [[ended]] * 3
    assert scene.rows.finished == [(SessionStatus.ENDED, "the caller left")]
    assert "cannot be closed" in caplog.text


async def test_a_session_is_given_back_whatever_fails(scene: Scene) -> None:
    """Companions get the hand-back as outcome, and their errors do not keep the session from release."""
    follower = Follower(ValueError("cannot be closed"))
    scene.call._companions = [follower]
    scene.call.exit.hand_back("lost")
    await scene.call.close("lost")
    assert [outcome.is_handed_back for outcome in follower.outcomes] == [True]
    assert (scene.rows.released, scene.rows.finished) == (["lost"], [])


async def test_the_first_cause_of_an_end_counts(scene: Scene) -> None:
    """A cause that follows an end, or a hand-back, changes neither outcome nor reason."""
    job_exit = scene.call.exit
    job_exit.hand_back("lost")
    job_exit.end(SessionStatus.ENDED, "the caller left")
    job_exit.crash(ValueError("late"))
    assert job_exit.outcome_after("user requested") == Outcome(None, "lost")
    other = Scene(scene.context.settings, AsyncExitStack()).call.exit
    other.fail("a provider failed")
    other.hand_back("lost")
    assert other.outcome == Outcome(SessionStatus.ERROR, "a provider failed")


async def test_a_task_that_fails_is_in_the_log(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of a background task of the call is logged with its trace, since nothing awaits the task."""
    scene.rows.error = ValueError("not a number")
    scene.call._count_participants()
    await asyncio.sleep(0.01)
    (record,) = caplog.records
    assert record.message == "a task of the call failed"
    assert "ValueError: not a number" in caplog.text


class Session:
    """An AgentSession that records what it has to say."""

    room_io = None

    def __init__(self) -> None:
        self.said: list[str] = []
        self.error: Exception | None = None
        self.output = SimpleNamespace(audio=None)

    def on(self, *_given: Any) -> None:
        """Emit no events."""

    async def start(self, *_given: Any, **_options: Any) -> None:
        """Start at once."""

    def say(self, text: str) -> None:
        """Record the text, or fail."""
        if self.error is not None:
            raise self.error
        self.said.append(text)

    def generate_reply(self) -> None:
        """Record a reply."""
        self.said.append("reply")


class Output:
    """An audio output, whose track the room may refuse."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.closed = False

    async def publish(self, _participant: Any) -> None:
        """Fail, where the test wants it."""
        if self.error is not None:
            raise self.error

    async def close(self) -> None:
        """Record it."""
        self.closed = True


def person(
    *,
    kind: Any = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
    state: Any = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE,
) -> Any:
    """A participant."""
    return SimpleNamespace(
        identity="someone",
        kind=kind,
        state=state,
        permissions=SimpleNamespace(can_publish=True, can_publish_sources=(), hidden=False),
        attributes={},
        track_publications={},
    )


@pytest.fixture
def talking(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[Session]]:
    """Starts the session of the call, after the transcript that is given."""
    for name in ("ConfiguredAgent", "room_options"):
        monkeypatch.setattr(call_module, name, lambda *_, **__: None)
    monkeypatch.setattr(companion, "TurnReporter", lambda _: MagicMock())
    monkeypatch.setattr(call_module, "TrackAudioOutput", Output)
    session = Session()

    async def begin(*transcript: Utterance) -> Session:
        scene.call.exit.watch(cast("Any", scene.job.room))
        config = cast("Any", parse_registered({"initialGreeting": "Hello."}))
        prepared = PreparedCall(config, cast("Any", None), Floor(), cast("Any", session))
        async with asyncio.timeout(1):
            await scene.call._talk(prepared, list(transcript))
        await asyncio.sleep(0.01)
        return session

    return begin


async def test_a_new_companion_needs_no_change_of_the_call(
    scene: Scene,
    talking: Callable[..., Awaitable[Session]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the list of companions holds listens before the session starts, and is closed with the call."""
    follower = Follower()
    monkeypatch.setattr(call_module, "build_companions", lambda *_: [follower])
    monkeypatch.setattr(call_module, "build_bounds", lambda *_: [])
    session = await talking()
    assert (follower.listened, follower.outcomes) == ([session], [])
    await scene.call.close("parent process shutdown")
    assert follower.outcomes == [Outcome(SessionStatus.ENDED, "the worker was shut down")]


@pytest.mark.parametrize(("pressure", "frame_ms"), [(10.0, 20), (60.0, 50), (None, 20)])
async def test_a_call_that_begins_on_a_busy_machine_takes_longer_frames(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, pressure: float | None, frame_ms: int
) -> None:
    """Above a CPU pressure frames of 50 ms replace those of 20 ms: they cost less, and calls wait less."""
    agent = FoundAgent(parse_registered({}), tenant_id=3, max_sessions=1)

    async def found(*_: Any) -> Any:
        return agent

    monkeypatch.setattr(preparation, "find_agent", found)
    monkeypatch.setattr(preparation, "recent_pressure", lambda: pressure)
    monkeypatch.setattr(preparation, "build_session", lambda _config, pace, *_: pace)
    prepared = await preparation.prepare(scene.context)
    of_session = cast("Any", prepared.session)
    assert (of_session.frame_ms, prepared.pace.frame_ms) == (frame_ms, frame_ms)


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ([], ["Hello."]),
        ([Utterance("user", "Hi"), Utterance("assistant", "Hello.")], []),
        ([Utterance("assistant", "Hello."), Utterance("user", "Hi")], ["reply"]),
    ],
)
async def test_a_caller_who_is_there_is_greeted_or_answered(
    scene: Scene,
    talking: Callable[..., Awaitable[Session]],
    before: list[Utterance],
    then: list[str],
) -> None:
    """The first agent greets; one that takes over answers the caller's last words, or waits."""
    scene.job.room.remote_participants["someone"] = person()
    assert (await talking(*before)).said == then
    await scene.call.close("user requested")


async def test_the_agent_has_an_audio_output_of_its_own(
    scene: Scene, talking: Callable[..., Awaitable[Session]]
) -> None:
    """The session gets our output, which is closed with the call."""
    output = (await talking()).output.audio
    assert isinstance(output, Output)
    assert not output.closed
    await scene.call.close("user requested")
    assert output.closed


async def test_an_agent_that_cannot_speak_gives_the_session_back(
    scene: Scene,
    talking: Callable[..., Awaitable[Session]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A track that cannot be published hands the session back, for another job to try."""
    mute = Output(PublishTrackError("track publication timed out"))
    monkeypatch.setattr(call_module, "TrackAudioOutput", lambda: mute)
    await talking()
    await scene.call.close("lost")
    (why,) = scene.rows.released
    assert "publish the agent's voice: track publication timed out" in why


async def test_the_greeting_waits_for_a_caller_who_can_hear_it(
    scene: Scene, talking: Callable[..., Awaitable[Session]]
) -> None:
    """Neither another agent nor a caller who still joins is greeted; a caller is once active."""
    joining = person(state=rtc.ParticipantState.PARTICIPANT_STATE_JOINING)
    scene.job.room.remote_participants["someone"] = joining
    scene.job.room.remote_participants["other"] = person(
        kind=rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    )
    session = await talking()
    scene.job.room.emit("participant_active", scene.job.room.remote_participants["other"])
    await asyncio.sleep(0.01)
    assert session.said == []
    joining.state = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
    scene.job.room.emit("participant_active", joining)
    await asyncio.sleep(0.01)
    assert session.said == ["Hello."]
    await scene.call.close("user requested")


async def test_a_connection_lost_before_the_caller_came_is_given_back(
    scene: Scene, talking: Callable[..., Awaitable[Session]], caplog: pytest.LogCaptureFixture
) -> None:
    """A connection lost before the caller came hands the session back, without an error in the log."""
    session = await talking()
    room = scene.job.room
    room.emit("connection_state_changed", rtc.ConnectionState.CONN_DISCONNECTED)
    room.emit("disconnected", rtc.DisconnectReason.SIGNAL_CLOSE)
    room.emit("participant_active", person())  # late
    await asyncio.sleep(0.01)
    await scene.call.close("room disconnected")
    assert (scene.rows.released, scene.rows.finished) == (["left the room: signal_close"], [])
    assert session.said == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_call_that_cannot_begin_is_an_error(
    scene: Scene, talking: Callable[..., Awaitable[Session]], caplog: pytest.LogCaptureFixture
) -> None:
    """An error of the greeting ends the call: the row has its text, the log its trace."""
    session = await talking()
    session.error = RuntimeError("no voice")
    scene.job.room.remote_participants["someone"] = person()
    scene.job.room.emit("participant_active", person())
    await asyncio.sleep(0.01)
    assert scene.job.left == ["RuntimeError: no voice"]
    await scene.call.close("user requested")
    assert scene.rows.finished == [(SessionStatus.ERROR, "RuntimeError: no voice")]
    assert "Traceback" in caplog.text


async def test_a_new_session_ends_when_no_caller_comes(
    scene: Scene, talking: Callable[..., Awaitable[Session]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new session ends when no caller has come within `wait_for_caller`."""
    scene.settings(monkeypatch, wait_for_caller=0.05)
    await talking()
    await asyncio.sleep(0.1)
    assert scene.job.left == ["no caller came"]
    await scene.call.close("no caller came")


async def test_a_continued_session_ends_when_the_caller_does_not_come_back(
    scene: Scene, talking: Callable[..., Awaitable[Session]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A continued session waits for the grace and `COME_BACK`, not for as long as a new one."""
    scene.settings(monkeypatch, leave_grace=0.05)
    monkeypatch.setattr(greeting, "COME_BACK", 0.05)
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
    """The cause is the shutdown's reason or the room's; that the job itself left the room is none."""
    scene.call.exit._on_room_disconnected(reason)
    await scene.call.close(why)
    assert scene.rows.finished == [outcome]
