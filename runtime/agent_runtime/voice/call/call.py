"""One call, from the job to the final row."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, Final

from livekit import rtc
from livekit.agents import AgentSession, CloseEvent, CloseReason, JobContext
from livekit.rtc.participant import PublishTrackError

from agent_runtime.agents.lookup import FoundAgent, find_agent
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.profiles import Pace, pace_of
from agent_runtime.domain.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    SessionHeld,
    StoreUnavailable,
    Unavailable,
)
from agent_runtime.domain.job import AUTOMATIC, JobTarget, target_of
from agent_runtime.domain.lease import Holder, Utterance
from agent_runtime.domain.session import Session, SessionStatus, new_session_id, session_of
from agent_runtime.telemetry.turn_metrics import TurnReporter
from agent_runtime.voice.call.companions.silence_watchdog import SilenceWatchdog
from agent_runtime.voice.call.companions.transcript import TranscriptWriter, as_context
from agent_runtime.voice.call.companions.turn_recorder import TurnRecorder
from agent_runtime.voice.call.greeting import greet
from agent_runtime.voice.call.lease_keeper import LeaseKeeper
from agent_runtime.voice.call.outcome import OutcomeWriter, logged, outcome_of
from agent_runtime.voice.call.participants import Participants
from agent_runtime.voice.call.room_log import LOST_CONNECTION, disconnect_reason, log_room_events
from agent_runtime.voice.jobs.metadata import UNCLAIMED, holder_of, metadata_of
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.jobs.stores import CALL_CONNECTIONS, OpenStores, Stores
from agent_runtime.voice.machine.pressure import recent_pressure
from agent_runtime.voice.pipeline.audio_output import TrackAudioOutput
from agent_runtime.voice.pipeline.session import ConfiguredAgent, build_session, room_options
from agent_runtime.voice.turns.floor import Floor

logger = logging.getLogger(__name__)

# Seconds, beside the grace, that an agent which takes over waits for a caller who is not there.
COME_BACK: Final = 5.0
# Seconds that the last words of a call may take to reach the database for whoever goes on with it.
LAST_WORDS: Final = 1.0
# Errors that refuse a job for good; the text goes to the log and into the session's row.
REFUSALS: Final = (InvalidInput, NotFound, Conflict)
# Errors after which another job may do better: the session is handed back, not ended.
HANDED_BACK: Final = (Unavailable, rtc.ConnectError)


async def run_call(
    job: JobContext,
    *,
    settings: VoiceSettings,
    open_stores: OpenStores,
    target: JobTarget | None = None,
) -> None:
    """Entry point of every job: returns once the agent is in the room; the job's end closes the call.

    It does not wait for the caller: the framework gives a job that is to end 15 s to return from here.
    Without a `target` the job says itself whom it is for.
    """
    target = target or target_of(metadata_of(job.job), job.job.room.name)
    joining = asyncio.create_task(job.connect()) if _is_claimed(job, target) else None
    async with AsyncExitStack() as opened:
        stores = await opened.enter_async_context(open_stores(CALL_CONNECTIONS))
        call = Call(job, target, stores, settings, opened.pop_all(), joining)
    job.add_shutdown_callback(call.close)
    try:
        await call.start()
    except Exception as error:
        call.fail(error)
        raise


class Call:
    """A session as the worker lives it."""

    def __init__(
        self,
        job: JobContext,
        target: JobTarget,
        stores: Stores,
        settings: VoiceSettings,
        opened: AsyncExitStack,
        joining: asyncio.Task[None] | None,
    ) -> None:
        """`joining` connects to the room already; without it the call does, when it is prepared."""
        self._job = job
        self._at_console = job.is_fake_job()  # without a room, and with the caller at the keyboard
        self._stores = stores
        self._settings = settings
        self._opened = opened  # closed last, when nothing is left to be written
        self._joining = joining
        self._target = target
        # The worker accepted the job under this identity; an automatic job has no other id.
        named = new_session_id() if self._at_console else session_of(job.local_participant_identity)
        self._session_id = target.session_id or named
        self._holder = Holder(holder_of(job.job), settings.name, target.dispatch)
        self._ending = OutcomeWriter(stores, self._session_id, self._holder)
        # Nobody has created it: the first job did, and one that follows it is told so.
        self._is_automatic = target.session_id is None or bool(target.variables.get(AUTOMATIC))
        self._turns: TurnRecorder | None = None
        self._memory: TranscriptWriter | None = None
        self._rescue: SilenceWatchdog | None = None
        self._prepared: tuple[AgentSession[Any], Pace] | None = None
        self._floor = Floor()
        self._audience = Participants(
            job.room,
            grace=settings.worker.leave_grace,
            on_change=self._count_participants,
            on_nobody=self._leave_to_nobody,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        # How the row ends, once the call knows.
        self._outcome: tuple[SessionStatus, str] | None = None
        # Why the session goes on without this job, when it does.
        self._handed_back: str | None = None
        job.log_context_fields = {
            "room": job.job.room.name,
            "session": self._session_id,
            "agent": self._target.agent_id,
        }

    async def start(self) -> None:
        """Load, join, become active, talk. A refusal ends the job cleanly, with its reason."""
        try:
            agent = await self._prepare_and_join()
            await self._stores.sessions.activate(self._session_id, self._holder)
            said = await self._stores.transcripts.read(self._session_id)
        except SessionHeld as error:
            self._hand_back(str(error))
            return
        except REFUSALS as error:
            logger.warning("job refused: %s", error)
            self._leave(SessionStatus.ERROR, str(error))
            return
        except HANDED_BACK as error:
            self._hand_back(f"{type(error).__name__}: {error}")
            return
        self._count_participants()
        self._run(self._keeper().run())
        await self._talk(agent, said)

    async def _prepare_and_join(self) -> FoundAgent:
        room = self._job.room
        log_room_events(room)
        room.on("disconnected", self._on_room_disconnected)
        if self._joining is None:
            agent = await self._prepare()
            await self._job.connect()
            return agent
        try:
            return await self._prepare()
        finally:
            await self._joining  # also by whoever has to leave: what is not joined cannot be left

    async def _prepare(self) -> FoundAgent:
        limit = self._settings.max_sessions_per_agent
        agent = await find_agent(self._stores.agents, self._target.agent_id, limit)
        if self._target.session_id is None:
            session = Session(
                session_id=self._session_id,
                agent_id=self._target.agent_id,
                tenant_id=self._target.tenant_id or agent.tenant_id,
                room_name=self._job.job.room.name,
                status=SessionStatus.CONNECTING,
                started_at=datetime.now(UTC),
            )
            await self._stores.sessions.create_automatic(session, agent.max_sessions)
            # As the worker does for a session that it knows; else another would soon be asked for.
            await self._stores.leases.claim(self._session_id, self._holder)
        pace = pace_of(agent.config, self._settings.worker.profile, recent_pressure())
        pipeline = build_session(agent.config, pace, self._floor, self._settings, self._job.proc)
        self._prepared = pipeline, pace
        return agent

    def _keeper(self) -> LeaseKeeper:
        return LeaseKeeper(
            self._stores.sessions,
            self._session_id,
            self._holder,
            interval=self._settings.worker.heartbeat,
            is_heard=self._is_heard,
            on_over=lambda: self._leave(SessionStatus.ENDED, "ended elsewhere"),
            on_lost=self._hand_back,
        )

    async def _talk(self, agent: FoundAgent, said: list[Utterance]) -> None:
        if self._prepared is None:
            raise RuntimeError("the call was not prepared")
        pipeline, pace = self._prepared
        teller = TurnReporter(self._settings.turns_socket)
        self._opened.callback(teller.close)
        self._turns = TurnRecorder(self._session_id, self._stores.metrics, teller.report)
        self._turns.listen_to(pipeline)
        self._rescue = SilenceWatchdog(self._settings.worker.silence, self._give_up)
        self._rescue.listen_to(pipeline)
        self._memory = TranscriptWriter(self._session_id, self._stores.transcripts)
        self._memory.listen_to(pipeline)
        pipeline.on("close", self._on_pipeline_closed)
        if not self._at_console:
            self._give_voice(pipeline)
        await pipeline.start(
            ConfiguredAgent(agent.config, pace, as_context(said), pipeline, self._floor),
            room=self._job.room,
            room_options=room_options(pace),
            # Else whoever is in the room may ask for the agent's instructions and for all that was said.
            session_host=False,
        )
        logger.info("agent is in the room", extra={"pid": os.getpid()})
        if not self._at_console:
            self._audience.is_heard_through(pipeline.room_io)
        self._run(self._meet(pipeline, agent.config, said, self._rescue))

    def _give_voice(self, pipeline: AgentSession[Any]) -> None:
        loudspeaker = TrackAudioOutput()
        pipeline.output.audio = loudspeaker
        self._opened.push_async_callback(loudspeaker.close)
        # While the caller is still on the way: there is less to negotiate when they come.
        self._run(self._publish(loudspeaker))

    async def _publish(self, loudspeaker: TrackAudioOutput) -> None:
        try:
            await loudspeaker.publish(self._job.room.local_participant)
        except PublishTrackError as error:
            self._hand_back(f"could not publish the agent's voice: {error.message}")

    async def _meet(
        self,
        pipeline: AgentSession[Any],
        config: AgentConfig,
        said: list[Utterance],
        rescue: SilenceWatchdog,
    ) -> None:
        """Wait for the caller, and speak first if that is the agent's part."""
        try:
            if await self._caller_is_there(after_another=bool(said)):
                greet(pipeline, config, said, rescue)
        except Exception as error:
            logger.exception("the call did not begin")
            self._leave(SessionStatus.ERROR, f"{type(error).__name__}: {error}")

    async def _caller_is_there(self, *, after_another: bool) -> bool:
        if self._at_console:
            return True
        settings = self._settings.worker
        # Who was talking with the agent before comes back soon, or has left.
        patience = settings.leave_grace + COME_BACK if after_another else settings.wait_for_caller
        try:
            async with asyncio.timeout(patience):
                await self._audience.somebody()
        except TimeoutError:
            if after_another:
                self._leave_to_nobody()
            else:
                self._leave(SessionStatus.ENDED, "no caller came")
        return self._outcome is None and self._handed_back is None

    def fail(self, error: Exception) -> None:
        """The job is about to end with `error`; the row will say so."""
        self._outcome = self._outcome or (SessionStatus.ERROR, f"{type(error).__name__}: {error}")

    async def close(self, why: str) -> None:
        """Write the final row; the framework calls it when the job ends, whatever ended it."""
        for task in self._tasks:
            task.cancel()
        self._audience.close()
        if self._rescue is not None:
            self._rescue.close()
        async with self._opened:
            if self._turns is not None:
                await logged("to write the last figures", self._turns.close())
            if self._memory is not None:
                patience = LAST_WORDS if self._handed_back is not None else 0.0
                await logged("to close the memory", self._memory.close(patience))
            if self._handed_back is not None:
                await self._ending.release(self._handed_back)
                return
            status, reason = self._outcome or outcome_of(why)
            await self._ending.finish(status, reason)
            logger.info("call over", extra={"status": status.value, "reason": reason})

    def _is_heard(self) -> bool:
        """Whether the connection to the room is up; while it is mended, it is not."""
        up = rtc.ConnectionState.CONN_CONNECTED
        return self._at_console or self._job.room.connection_state == up

    def _leave_to_nobody(self) -> None:
        if self._is_automatic:
            # LiveKit dispatches into a room once. Whoever joins this one next, after a reload of the
            # page for instance, is to find a new room, and an agent in it.
            self._job.delete_room()
        self._leave(SessionStatus.ENDED, "the caller left")

    def _count_participants(self) -> None:
        self._run(self._write_participants())

    async def _write_participants(self) -> None:
        try:
            await self._stores.sessions.set_participant_count(
                self._session_id, self._audience.participants
            )
        except StoreUnavailable as error:
            logger.warning("participant count not written yet: %s", error)

    def _on_room_disconnected(self, reason: int) -> None:
        if reason == rtc.DisconnectReason.CLIENT_INITIATED:
            return  # the job did, at its end, and says itself why it ends
        why = f"left the room: {disconnect_reason(reason)}"
        if reason in LOST_CONNECTION:
            self._hand_back(why)
            return
        self._outcome = self._outcome or (SessionStatus.ENDED, why)

    def _on_pipeline_closed(self, event: CloseEvent) -> None:
        if event.reason is CloseReason.ERROR:
            error = getattr(event.error, "error", event.error)
            stage = getattr(event.error, "type", "unknown")  # stt_error, llm_error, tts_error
            self._leave(SessionStatus.ERROR, f"the pipeline failed ({stage}): {error}")

    def _give_up(self, reason: str) -> None:
        self._leave(SessionStatus.ERROR, reason)

    def _leave(self, status: SessionStatus, reason: str) -> None:
        self._outcome = self._outcome or (status, reason)  # what came first is the cause
        self._job.shutdown(reason)

    def _hand_back(self, why: str) -> None:
        """Leave, but let another job go on with the session."""
        if self._outcome is None and self._handed_back is None:
            logger.warning("session handed back: %s", why)
            self._handed_back = why
            self._job.shutdown(why)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._has_run)

    def _has_run(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a task of the call failed", exc_info=error)


def _is_claimed(job: JobContext, target: JobTarget) -> bool:
    """Whether the worker holds the session for this job, so that no other agent can be in the room."""
    if job.is_fake_job() or target.session_id is None:
        return False
    return UNCLAIMED not in (job.token_claims().attributes or {})
