"""Real calls of a real worker: which agent talks, and how each session's row ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from livekit import api, rtc
from livekit.agents.voice.remote_session import RemoteSession
from yarl import URL

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.errors import AgentStopped
from agent_runtime.domain.session import Session, SessionStatus, new_session
from agent_runtime.livekit_api.rooms import LiveKitRooms
from agent_runtime.secrecy.keyring import Keyring
from agent_runtime.storage import Database, RegisteredAgents, StoredSessions
from agent_runtime.voice.jobs.stores import Stores
from fixtures.agents import sample_agent
from fixtures.agents.rows import AgentRows
from fixtures.caller import Caller, room_token
from fixtures.processes.logged_process import LoggedProcess
from fixtures.servers import LiveKitServer
from fixtures.speech import ANSWERS, Recogniser, clip
from fixtures.stack import Stack

# Callers speak and listen in real time.
pytestmark = [pytest.mark.alone, pytest.mark.services]

POLL = 0.1  # a database has no event for "this row has changed"


@dataclass
class Scene:
    """One agent, its rooms, and everything that a test touches."""

    agent_id: int
    stores: Stores
    rooms: LiveKitRooms
    livekit: LiveKitServer
    recogniser: Recogniser
    worker: LoggedProcess

    async def create(
        self, room_name: str, identity: str | None = None, **config: object
    ) -> Session:
        """Register the receptionist and dispatch it into a room for `identity`, as the API does."""
        given = sample_agent("receptionist", **config)
        await self.stores.agents.register(Registration(self.agent_id, 3, given, 10))
        session = new_session(self.agent_id, 3, room_name, None, identity)
        await self.stores.sessions.create(session)
        await self.rooms.dispatch(session, session.variables)
        return session

    def caller(self, room_name: str, identity: str = "caller") -> Caller:
        """A caller who is about to join."""
        key, secret = self.livekit.api_key, self.livekit.api_secret
        return Caller(self.livekit.url, room_token(key, secret, room_name, identity))

    def token(self, room_name: str, identity: str, **more: Any) -> str:
        """A token for somebody who is no ordinary caller."""
        key, secret = self.livekit.api_key, self.livekit.api_secret
        return room_token(key, secret, room_name, identity, **more)

    async def hears(self, caller: Caller) -> str | None:
        """The text of the next utterance that the caller hears."""
        heard = await caller.hear()
        return await asyncio.to_thread(self.recogniser.recognise, heard.sound)

    async def is_answered(self, caller: Caller, question: str) -> None:
        """Ask, and check that the caller hears the right answer."""
        caller.forget()
        await caller.say(clip(question))
        assert await self.hears(caller) == ANSWERS[question]

    async def session_when(
        self, session_id: str, holds: Callable[[Session], bool], within: float = 20
    ) -> Session:
        """The session's row as soon as `holds` is true for it."""
        deadline = time.monotonic() + within
        while True:
            session = await self.stores.sessions.get(session_id)
            if session is not None and holds(session):
                return session
            assert time.monotonic() < deadline, f"the row still is {session}"
            await asyncio.sleep(POLL)

    async def ended(self, session_id: str) -> Session:
        """The session's row once it is final."""
        return await self.session_when(session_id, lambda session: session.status.is_final)

    async def session_of(self, room_name: str) -> Session:
        """The live session of a room, once it is active."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for session in await self.stores.sessions.live_sessions():
                if session.room_name == room_name and session.status is SessionStatus.ACTIVE:
                    return session
            await asyncio.sleep(POLL)
        raise AssertionError(f"no session of {room_name} became active")

    async def logged(self, pattern: str, since: int) -> None:
        """Wait for a line of the worker's log."""
        await asyncio.to_thread(self.worker.wait_for, pattern, 20, since=since)


async def level_heard(stack: Stack) -> float:
    """The level of the last utterance at the speech recognition, in dBFS."""
    url = URL(stack.environ["DEEPGRAM_BASE_URL"]).with_path("/recordings")
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return float((await answer.json())["heard"][-1]["level"])


@pytest.fixture
def scene(
    agent_id: int,
    stores: Stores,
    rooms: LiveKitRooms,
    livekit: LiveKitServer,
    recogniser: Recogniser,
    worker_stack: Stack,
) -> Scene:
    """The scene of a test."""
    assert worker_stack.worker is not None
    return Scene(agent_id, stores, rooms, livekit, recogniser, worker_stack.worker)


async def test_an_agent_that_is_only_a_row_talks(scene: Scene, agent_rows: AgentRows) -> None:
    """An agent that is not registered joins its room and says the greeting of its row in `agents`."""
    agent_rows.insert(
        scene.agent_id, initial_greeting=ANSWERS["greeting"], languages="en", llm_config={}
    )
    room = f"agent-{scene.agent_id}-room"
    async with scene.caller(room) as caller:
        assert await scene.hears(caller) == ANSWERS["greeting"]
        session = await scene.session_of(room)
        assert (session.agent_id, session.tenant_id) == (scene.agent_id, 3)
    assert (await scene.ended(session.session_id)).status is SessionStatus.ENDED


async def test_an_agent_that_is_known_by_a_text_talks(scene: Scene) -> None:
    """A caller in `agent-<text>-room` hears the agent that was imported so, and learns its version."""
    text_id = f"front_desk_{scene.agent_id}"
    assert scene.stores.text_ids is not None
    number = await scene.stores.text_ids.assign(text_id)
    for voice in ("first", "second"):
        given = sample_agent("receptionist", voiceId=voice)
        await scene.stores.agents.register(Registration(number, 3, given, 10))
    room = f"agent-{text_id}-room"
    async with scene.caller(room) as caller:
        assert await scene.hears(caller) == ANSWERS["greeting"]
        session = await scene.session_of(room)
        assert (session.agent_id, session.agent_version) == (number, 2)
        key, secret = scene.livekit.api_key, scene.livekit.api_secret
        async with api.LiveKitAPI(scene.livekit.url, key, secret) as admin:
            found = await admin.room.list_participants(api.ListParticipantsRequest(room=room))
        agent = next(one for one in found.participants if one.identity != "caller")
        assert agent.attributes["agent_runtime.agent_version"] == "2"
    ended = await scene.ended(session.session_id)
    assert (ended.status, ended.agent_version) == (SessionStatus.ENDED, 2)


async def test_a_text_that_was_not_imported_is_refused(scene: Scene) -> None:
    """The job is refused with a reason in the log, and no session is made of it."""
    room = f"agent-nobody_{scene.agent_id}-room"
    since = scene.worker.mark()
    async with scene.caller(room):
        await scene.logged(f"job refused: Agent nobody_{scene.agent_id} is unknown", since)
    assert all(one.room_name != room for one in await scene.stores.sessions.live_sessions())


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"llm_provider": "nobody"}, "llm_provider: unknown language model provider"),
        ({"tts_config": "{"}, "tts_config: is not JSON"),
    ],
)
async def test_a_faulty_row_lets_its_caller_go(
    scene: Scene, agent_rows: AgentRows, columns: dict[str, object], reason: str
) -> None:
    """A faulty row leaves a session in error that names the column, and its caller waits for nobody."""
    agent_rows.insert(scene.agent_id, **columns)
    room = f"agent-{scene.agent_id}-room"
    before = datetime.now(UTC)
    async with scene.caller(room) as caller:
        assert await caller.disconnected() == "ROOM_DELETED"
    session = await scene.stores.sessions.last_ended(room, before)
    assert session is not None
    assert (session.status, session.tenant_id) == (SessionStatus.ERROR, 3)
    assert session.reason is not None
    assert reason in session.reason


async def test_an_agent_whose_key_is_missing_lets_its_caller_go(
    scene: Scene, database: Database
) -> None:
    """A session in error names the variable of the key that is missing; its caller waits for nobody."""
    sealing = RegisteredAgents(database, StoredSessions(database), keyring=Keyring([b"k" * 32]))
    await sealing.register(Registration(scene.agent_id, 3, sample_agent("receptionist"), 10))
    room = f"agent-{scene.agent_id}-room"
    before = datetime.now(UTC)
    async with scene.caller(room) as caller:
        assert await caller.disconnected() == "ROOM_DELETED"
    session = await scene.stores.sessions.last_ended(room, before)
    assert session is not None
    assert (session.status, session.tenant_id) == (SessionStatus.ERROR, 3)
    assert "AGENT_RUNTIME_SECRET_KEY is not set" in str(session.reason)


async def test_a_stopped_agent_lets_its_caller_go(scene: Scene, agent_rows: AgentRows) -> None:
    """A stopped agent, also a registered one, brings no agent and no session, and nobody waits for it."""
    agent_rows.insert(scene.agent_id, deployment_status="stopped")
    given = sample_agent("receptionist")
    await scene.stores.agents.register(Registration(scene.agent_id, 3, given, 10))
    room = f"agent-{scene.agent_id}-room"
    since, before = scene.worker.mark(), datetime.now(UTC)
    async with scene.caller(room) as caller:
        await scene.logged("job refused: .*its deployment is stopped", since)
        assert await caller.disconnected() == "ROOM_DELETED"
    assert await scene.stores.sessions.last_ended(room, before) is None
    with pytest.raises(AgentStopped):
        await scene.stores.sessions.create(new_session(scene.agent_id, 3, "elsewhere"))


async def test_automatic_calls_count_into_the_capacity(scene: Scene, agent_rows: AgentRows) -> None:
    """An agent with a capacity of one, taken over HTTP, gets no automatic call beside it."""
    agent_rows.insert(scene.agent_id, max_concurrent_sessions=1)
    await scene.stores.sessions.create_automatic(new_session(scene.agent_id, 3, "elsewhere"), 1)
    since = scene.worker.mark()
    async with scene.caller(f"agent-{scene.agent_id}-room"):
        await scene.logged("job refused: .*at capacity .1 sessions", since)


async def test_an_option_that_the_plugin_refuses_ends_the_row(scene: Scene) -> None:
    """A configuration that passed no check, as rows do not, ends the row as error and names the field."""
    room = f"refused-{scene.agent_id}"
    session = await scene.create(room, sttConfig={"keyterm": 5})
    ended = await scene.ended(session.session_id)
    assert ended.status is SessionStatus.ERROR
    assert ended.reason is not None
    assert ended.reason.startswith("sttConfig.keyterm: expected")


async def test_a_key_that_a_provider_quotes_is_in_no_row_and_no_log(scene: Scene) -> None:
    """A provider that quotes the agent's key in its refusal ends the call; nobody sees the key."""
    key = "planted-key-of-the-agent"
    since = scene.worker.mark()
    session = await scene.create(f"quoted-{scene.agent_id}", llmConfig={"apiKey": key})
    async with scene.caller(f"quoted-{scene.agent_id}") as caller:
        assert await scene.hears(caller) == ANSWERS["greeting"]
        await caller.say(clip("weather"))
        ended = await scene.session_when(session.session_id, lambda s: s.status.is_final, 60)
    assert "Incorrect API key provided" in str(ended.reason)
    assert key not in str(ended.reason)
    log = "\n".join(scene.worker.lines(since=since))
    assert "Incorrect API key provided" in log
    assert [line for line in log.splitlines() if key in line] == []


async def test_what_is_said_is_in_no_log(scene: Scene) -> None:
    """Words of both sides, said over each other too, stand in no line of the log; nor does a number."""
    since = scene.worker.mark()
    room = f"quiet-{scene.agent_id}"
    session = await scene.create(room, interruptionHandling=False)
    async with scene.caller(room, "sip_+15105550123") as caller:
        await caller.onset()
        await caller.say(clip("opening"))  # over the greeting, which cannot be interrupted
        assert await scene.hears(caller) == ANSWERS["greeting"]
        await scene.is_answered(caller, "weather")
    await scene.ended(session.session_id)
    await scene.logged("call over", since)
    log = "\n".join(scene.worker.lines(since=since))
    assert "sip_***23" in log
    assert "5105550123" not in log
    assert not [word for word in ("Paris", "sunny", "weather", "Sunday") if word in log]


async def test_a_provider_that_fails_ends_the_call_as_error(scene: Scene) -> None:
    """A key that the provider refuses for good ends the row as error instead of an endless silence."""
    room = f"badkey-{scene.agent_id}"
    session = await scene.create(room, sttConfig={"apiKey": "wrong"})
    async with scene.caller(room):
        ended = await scene.session_when(session.session_id, lambda s: s.status.is_final, 60)
    assert ended.status is SessionStatus.ERROR
    assert ended.reason is not None
    assert ended.reason.startswith("a provider failed: STT")


async def test_a_caller_who_comes_back_in_time_goes_on(scene: Scene) -> None:
    """A caller who leaves and rejoins within the grace is answered by the same session."""
    room = f"back-{scene.agent_id}"
    session = await scene.create(room)
    async with scene.caller(room) as caller:
        assert await scene.hears(caller) == ANSWERS["greeting"]
    async with scene.caller(room, "caller-again") as caller:
        await scene.is_answered(caller, "weather")
        row = await scene.stores.sessions.get(session.session_id)
        assert row is not None
        assert row.status is SessionStatus.ACTIVE
    ended = await scene.ended(session.session_id)
    assert (ended.status, ended.reason) == (SessionStatus.ENDED, "the caller left")


async def test_when_one_of_two_callers_leaves_the_other_is_answered(scene: Scene) -> None:
    """The agent listens to the second caller once the first one is gone."""
    room = f"two-{scene.agent_id}"
    session = await scene.create(room)
    async with scene.caller(room, "ada") as ada:
        assert await scene.hears(ada) == ANSWERS["greeting"]
        async with scene.caller(room, "bob") as bob:
            await scene.session_when(session.session_id, lambda s: s.participant_count == 3)
            await ada.hang_up()
            await scene.session_when(session.session_id, lambda s: s.participant_count == 2)
            await scene.is_answered(bob, "table")
    assert (await scene.ended(session.session_id)).status is SessionStatus.ENDED


async def test_the_named_caller_is_served_and_nobody_else(scene: Scene) -> None:
    """A stranger who joined first is not heard; the caller is, also through a track of unknown source.

    Neither the stranger nor a recorder keeps the call when the caller has left.
    """
    room_name = f"named-{scene.agent_id}"
    recorder = rtc.Room()
    await recorder.connect(
        scene.livekit.url, scene.token(room_name, "recorder", kind="egress", recorder=True)
    )
    async with scene.caller(room_name, "stranger") as stranger:
        session = await scene.create(room_name, "ada")
        await stranger.agent_joined()
        await stranger.say(clip("table"))
        unknown = rtc.TrackSource.SOURCE_UNKNOWN
        ada = Caller(scene.livekit.url, scene.token(room_name, "ada"), unknown)
        async with ada:
            assert await scene.hears(ada) == ANSWERS["greeting"]
            await scene.is_answered(ada, "weather")
        ended = await scene.ended(session.session_id)
    await recorder.disconnect()
    assert (ended.status, ended.reason) == (SessionStatus.ENDED, "the caller left")


async def test_a_telephone_is_greeted_when_it_is_picked_up(scene: Scene) -> None:
    """A telephone that is dialed hears nothing; the greeting begins when its call is active."""
    room_name = f"phone-{scene.agent_id}"
    session = await scene.create(room_name)
    dialing = {"sip.callStatus": "dialing"}
    token = scene.token(
        room_name, "phone", kind="sip", attributes=dialing, can_update_own_metadata=True
    )
    async with Caller(scene.livekit.url, token) as phone:
        await phone.agent_joined()
        with pytest.raises(TimeoutError):
            await phone.onset(2)
        await phone.set_attributes({"sip.callStatus": "active"})
        assert await scene.hears(phone) == ANSWERS["greeting"]
    await scene.ended(session.session_id)


@pytest.mark.parametrize("transcribes", [True, False])
async def test_text_leaves_only_with_transcription(scene: Scene, transcribes: bool) -> None:
    """A listener gets the words of both sides unless transcription is off; the agent says who it is.

    Text leaves as transcription only: on no other topic, neither as text, bytes nor packet.
    """
    room_name = f"text-{scene.agent_id}"
    session = await scene.create(room_name, transcribeEnabled=transcribes)
    listener, texts, others = rtc.Room(), list[str](), list[str]()
    listener.register_text_stream_handler("lk.transcription", lambda _, who: texts.append(who))
    listener.on("transcription_received", lambda *_: texts.append("packet"))
    listener.register_text_stream_handler("lk.chat", lambda *_: others.append("chat"))
    listener.register_byte_stream_handler("lk.agent.session", lambda *_: others.append("session"))
    listener.on("data_received", lambda packet: others.append(str(packet.topic)))
    await listener.connect(scene.livekit.url, scene.token(room_name, "listener", hidden=True))
    async with scene.caller(room_name) as caller:
        assert await scene.hears(caller) == ANSWERS["greeting"]
        await scene.is_answered(caller, "weather")
        agent = listener.remote_participants[f"agent-{session.session_id}"]
        assert agent.name == sample_agent("receptionist")["name"]
        assert agent.attributes["agent_runtime.session"] == session.session_id
    await listener.disconnect()
    assert bool(texts) is transcribes
    assert others == []


async def test_a_session_that_was_ended_in_the_database_is_left(scene: Scene) -> None:
    """The agent leaves when a heartbeat finds the final row, though nothing removed it from the room."""
    room = f"beat-{scene.agent_id}"
    session = await scene.create(room)
    async with scene.caller(room) as caller:
        assert await scene.hears(caller) == ANSWERS["greeting"]
        await scene.stores.sessions.finish(session.session_id, SessionStatus.ENDED, "by hand")
        await caller.agent_left(10)
    ended = await scene.ended(session.session_id)
    assert ended.reason == "by hand"


async def test_a_room_that_is_deleted_ends_its_session(scene: Scene) -> None:
    """The session of a deleted room ends, with that as its reason."""
    room = f"deleted-{scene.agent_id}"
    session = await scene.create(room)
    async with scene.caller(room) as caller:
        assert await scene.hears(caller) == ANSWERS["greeting"]
        key, secret = scene.livekit.api_key, scene.livekit.api_secret
        async with api.LiveKitAPI(scene.livekit.url, key, secret) as admin:
            await admin.room.delete_room(api.DeleteRoomRequest(room=room))
        ended = await scene.ended(session.session_id)
    assert (ended.status, ended.reason) == (SessionStatus.ENDED, "left the room: room_deleted")


async def test_the_room_is_in_the_log(scene: Scene) -> None:
    """Each participant that comes, publishes or goes is logged with the room's name."""
    room = f"log-{scene.agent_id}"
    since = scene.worker.mark()
    session = await scene.create(room)
    async with scene.caller(room, "first") as first:
        assert await scene.hears(first) == ANSWERS["greeting"]
        async with scene.caller(room, "second"):
            await scene.logged(f'"participant connected","participant":"second".*"{room}"', since)
            await scene.logged('"track published","participant":"second","source":"mic', since)
        await scene.logged('"participant disconnected","participant":"second".*client_init', since)
    await scene.logged(f'"call over".*"session":"{session.session_id}"', since)


async def test_a_caller_cannot_have_the_agent_s_instructions(scene: Scene) -> None:
    """No participant can request the agent's instructions, which the framework serves by default."""
    room_name = f"curious-{scene.agent_id}"
    await scene.create(room_name)
    async with scene.caller(room_name) as caller:
        assert await scene.hears(caller) == ANSWERS["greeting"]
        key, secret = scene.livekit.api_key, scene.livekit.api_secret
        room = rtc.Room()
        await room.connect(scene.livekit.url, room_token(key, secret, room_name, "curious"))
        curious = RemoteSession.from_room(room, caller.agents[0])
        await curious.start()
        try:
            with pytest.raises(TimeoutError):
                await curious.wait_for_ready(timeout=3)
        finally:
            await curious.aclose()
            await room.disconnect()
        await scene.is_answered(caller, "weather")


async def test_a_quiet_caller_is_amplified_for_speech_recognition(
    scene: Scene, worker_stack: Stack
) -> None:
    """A caller who is 12 dB low reaches the speech recognition louder, from the first words on."""
    session = await scene.create("low")
    said = clip("weather").quieter(12)
    async with scene.caller("low") as caller:
        assert await scene.hears(caller) == ANSWERS["greeting"]
        caller.forget()
        await caller.say(said)
        assert await scene.hears(caller) == ANSWERS["weather"]
        assert 4 < await level_heard(worker_stack) - said.level < 15
    await scene.ended(session.session_id)
