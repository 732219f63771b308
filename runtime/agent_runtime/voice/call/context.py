"""What every part of one call needs to know."""

from __future__ import annotations

from dataclasses import dataclass

from livekit import rtc
from livekit.agents import JobContext

from agent_runtime.domain.job import AUTOMATIC, JobTarget
from agent_runtime.domain.lease import Holder
from agent_runtime.domain.session import new_session_id, session_of
from agent_runtime.voice.jobs.metadata import holder_of
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.jobs.stores import Stores


@dataclass(frozen=True, slots=True)
class CallContext:
    """The job, its target, and under which ids the call reads and writes."""

    job: JobContext
    target: JobTarget
    stores: Stores
    settings: VoiceSettings
    session_id: str
    holder: Holder

    @property
    def at_console(self) -> bool:
        """Whether there is no room, and the caller sits at the keyboard."""
        return self.job.is_fake_job()

    @property
    def is_automatic(self) -> bool:
        """Whether the first job created the session, and no client; the metadata of later jobs says so."""
        return self.target.session_id is None or bool(self.target.variables.get(AUTOMATIC))

    @property
    def is_connected(self) -> bool:
        """Whether the connection to the room is up; it is not while LiveKit's client restores it."""
        up = rtc.ConnectionState.CONN_CONNECTED
        return self.at_console or self.job.room.connection_state == up


def context_of(
    job: JobContext, target: JobTarget, stores: Stores, settings: VoiceSettings
) -> CallContext:
    """The context of a job. Its log lines carry room, session and agent from now on."""
    # The worker accepted the job under this identity; an automatic job has no other id.
    named = new_session_id() if job.is_fake_job() else session_of(job.local_participant_identity)
    session_id = target.session_id or named
    job.log_context_fields = {
        "room": job.job.room.name,
        "session": session_id,
        "agent": target.agent_id,
    }
    holder = Holder(holder_of(job.job), settings.name, target.dispatch)
    return CallContext(job, target, stores, settings, session_id, holder)
