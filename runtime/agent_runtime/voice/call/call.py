"""One call: the entry point of every job, and the steps from there to the final row."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from typing import Any

from livekit.agents import AgentSession, JobContext
from livekit.rtc.participant import PublishTrackError

from agent_runtime.agents.calls.limits import ThinkingSound
from agent_runtime.agents.model import AgentConfig
from agent_runtime.domain.agents.text_ids import with_number
from agent_runtime.domain.callers.privacy import PrivacyTier
from agent_runtime.domain.errors import AgentUnknown, StoreUnavailable
from agent_runtime.domain.job import JobTarget, target_of
from agent_runtime.domain.lease import Utterance
from agent_runtime.domain.session import SessionStatus
from agent_runtime.telemetry.private_logs import CallLog
from agent_runtime.voice.call.companion import (
    AwaitsCaller,
    Companion,
    build_bounds,
    build_companions,
    close_companion,
)
from agent_runtime.voice.call.companions.silence_watchdog import SilenceWatchdog
from agent_runtime.voice.call.companions.transcript import chat_context
from agent_runtime.voice.call.context import CallContext, context_of
from agent_runtime.voice.call.greeting import caller_arrives, greet, introduce
from agent_runtime.voice.call.lease_keeper import LeaseKeeper
from agent_runtime.voice.call.outcome import CANNOT_START, JobExit, OutcomeWriter
from agent_runtime.voice.call.participants import NOBODY, Participants
from agent_runtime.voice.call.preparation import PreparedCall, join_early, prepare_and_join, tier_of
from agent_runtime.voice.call.room.room_log import log_room_events
from agent_runtime.voice.call.room.room_server import (
    activate,
    close_room,
    is_caller_there,
    lets_caller_go,
)
from agent_runtime.voice.call.tasks import CallTasks
from agent_runtime.voice.call.tools import call_tools
from agent_runtime.voice.jobs.metadata import metadata_of
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.jobs.stores import CALL_CONNECTIONS, OpenStores
from agent_runtime.voice.pipeline.audio_output import TrackAudioOutput
from agent_runtime.voice.pipeline.noise import noise_cancellation
from agent_runtime.voice.pipeline.session import ConfiguredAgent, room_options

logger = logging.getLogger(__name__)


async def run_call(
    job: JobContext,
    *,
    settings: VoiceSettings,
    open_stores: OpenStores,
    target: JobTarget | None = None,
) -> None:
    """Entry point of every job: returns once the agent is in the room; the job's end closes the call.

    It does not wait for the caller: when a job must end, the framework waits only 15 s for this function.
    Without a `target` the job's metadata or its room's name says which agent and session it is for.
    """
    target = target or target_of(metadata_of(job.job), job.job.room.name)
    joining = join_early(job, target)
    async with AsyncExitStack() as opened:
        stores = await opened.enter_async_context(open_stores(CALL_CONNECTIONS))
        with suppress(AgentUnknown, StoreUnavailable):  # what is unknown is refused with the others
            target = await with_number(target, stores.text_ids)
        call = Call(context_of(job, target, stores, settings), opened.pop_all(), joining)
    job.add_shutdown_callback(call.close)
    try:
        await call.start()
    except Exception as error:
        call.exit.crash(error)
        raise


class Call:
    """A session while its job runs."""

    def __init__(
        self, context: CallContext, opened: AsyncExitStack, joining: asyncio.Task[None] | None
    ) -> None:
        """`opened` is closed last, when everything is written; `joining` joins the room already."""
        self._context = context
        self._opened = opened
        self._joining = joining
        self.exit = JobExit(context.job, is_automatic=context.is_automatic)
        self._participants = Participants(
            context.job.room,
            grace=context.settings.worker.leave_grace,
            on_change=self._count_participants,
            on_callers_gone=self._on_callers_gone,
            serves=context.target.participant_identity,
        )
        self._watchdog = SilenceWatchdog(context.settings.worker.silence, self.exit.fail)
        self._companions: list[Companion] = []
        self._tasks = CallTasks()
        self._may_close_room = False
        self._log: CallLog | None = None
        self._session_began: datetime | None = None

    async def start(self) -> None:
        """Load, join, become active, talk. A refusal ends the job cleanly, with its reason."""
        context = self._context
        log_room_events(context.job.room)
        self.exit.watch(context.job.room)
        try:
            prepared = await prepare_and_join(context, self._joining)
            self._keep_private(tier_of(prepared.config, context))
            session = await activate(context, prepared.version)
            self._session_began = session.started_at
            transcript = await context.stores.transcripts.read(context.session_id)
        except CANNOT_START as error:
            self.exit.refuse(error)
            self._may_close_room = lets_caller_go(error)
            return
        self._count_participants()
        self._tasks.run(self._lease_keeper().run())
        await self._talk(prepared, transcript)

    def _keep_private(self, tier: PrivacyTier) -> None:
        """Keep of the conversation what its tier allows, from before its first word."""
        if tier is PrivacyTier.FULL:
            return
        given = self._context.target.variables.get("participantName")
        self._log = CallLog(tier, [given] if isinstance(given, str) else [])
        self._log.start()
        self.exit.show_reasons(self._log.reason)

    async def close(self, shutdown_reason: str) -> None:
        """Close the companions and write the outcome; the framework calls it when the job ends."""
        context = self._context
        self._tasks.cancel()
        self._participants.close()
        async with self._opened:
            for companion in self._companions:
                await close_companion(companion, self.exit.outcome_after(shutdown_reason))
            outcome = self.exit.outcome_after(shutdown_reason)
            await OutcomeWriter(context.stores, context.session_id, context.holder).write(outcome)
            await close_room(context, outcome, is_hopeless=self._may_close_room)
            if outcome.status is not None:
                extra = {"status": outcome.status.value, "reason": outcome.reason}
                logger.info("call over", extra=extra)

    async def _talk(self, prepared: PreparedCall, transcript: list[Utterance]) -> None:
        session, context = prepared.session, self._context
        tier = tier_of(prepared.config, context)
        self._companions = [
            *build_companions(context, self._watchdog, tier),
            *build_bounds(context, prepared.config, self._watchdog, self.exit),
        ]
        if not context.at_console:
            self._give_voice(session, prepared.config)
        for companion in self._companions:
            companion.listen_to(session)
        self.exit.listen_to(session)
        history = chat_context(transcript)
        await session.start(
            ConfiguredAgent(
                prepared.config,
                prepared.pace,
                history,
                session,
                prepared.floor,
                self._watchdog.on_answer,
                call_tools(context, prepared.config, self._end_by_agent),
            ),
            room=context.job.room,
            room_options=room_options(
                prepared.pace,
                links=NOBODY,
                transcribes=prepared.config.transcribe_enabled is not False,
                noise=noise_cancellation(
                    prepared.config.noise_cancellation, context.settings.livekit.url
                ),
            ),
            # Otherwise any participant could request the agent's instructions and the whole conversation.
            session_host=False,
        )
        logger.info("agent is in the room", extra={"pid": os.getpid()})
        if not context.at_console:
            self._participants.control(session.room_io)
            self._tasks.run(introduce(context, prepared.config, prepared.version))
        self._tasks.run(self._greet(session, prepared.config, transcript))

    def _end_by_agent(self, reason: str) -> None:
        self.exit.end(SessionStatus.ENDED, reason)

    def _on_callers_gone(self) -> None:
        self._tasks.run(self._end_without_callers())

    async def _end_without_callers(self) -> None:
        if await is_caller_there(self._context):
            self._participants.wait_again()
        else:
            self.exit.caller_left()

    def _give_voice(self, session: AgentSession[Any], config: AgentConfig) -> None:
        output = TrackAudioOutput()
        if (sound := config.thinking_sound) not in (None, ThinkingSound.NONE):
            from agent_runtime.voice.call.bounds.thinking_sound import ThinkingSoundPlayer

            self._companions.append(ThinkingSoundPlayer(sound, output))
        session.output.audio = output
        self._opened.push_async_callback(output.close)
        # While the caller is still on the way: there is less to negotiate when they come.
        self._tasks.run(self._publish(output))

    async def _publish(self, output: TrackAudioOutput) -> None:
        try:
            await output.publish(self._context.job.room.local_participant)
        except PublishTrackError as error:
            self.exit.hand_back(f"could not publish the agent's voice: {error.message}")

    async def _greet(
        self, session: AgentSession[Any], config: AgentConfig, transcript: Sequence[Utterance]
    ) -> None:
        """Wait for the caller, and speak first if the agent has to."""
        continues = bool(transcript)
        try:
            if await caller_arrives(
                self._context, self._participants, self.exit, continues=continues
            ):
                since = self._session_began if continues else None
                for companion in self._companions:
                    if isinstance(companion, AwaitsCaller):
                        await companion.caller_arrived(since)
                if self.exit.outcome is None:
                    greet(session, config, transcript, self._watchdog)
        except Exception as error:
            logger.exception("the call did not begin")
            self.exit.fail(f"{type(error).__name__}: {error}")

    def _lease_keeper(self) -> LeaseKeeper:
        return LeaseKeeper(
            self._context.stores.sessions,
            self._context.session_id,
            self._context.holder,
            interval=self._context.settings.worker.heartbeat,
            is_connected=lambda: self._context.is_connected,
            on_ended=lambda: self.exit.end(SessionStatus.ENDED, "ended elsewhere"),
            on_lost=self.exit.hand_back,
        )

    def _count_participants(self) -> None:
        self._tasks.run(self._write_participants())

    async def _write_participants(self) -> None:
        sessions, session_id = self._context.stores.sessions, self._context.session_id
        try:
            await sessions.set_participant_count(session_id, self._participants.count)
        except StoreUnavailable as error:
            logger.warning("participant count not written yet: %s", error)
