"""Which jobs the worker takes."""

from __future__ import annotations

import logging

from livekit.agents import AgentServer, JobRequest

from agent_runtime.domain.job import NotOurJob, target_of
from agent_runtime.domain.session import agent_identity, new_session_id

logger = logging.getLogger(__name__)


class Admission:
    """Answers LiveKit's offers: ours or not, and whether there is a place."""

    def __init__(self, server: AgentServer, max_calls: int) -> None:
        self._server = server
        self._max_calls = max_calls

    async def answer(self, request: JobRequest) -> None:
        """Take the job under the identity of its session, or refuse it with a reason in the log."""
        where = {"room": request.room.name, "job": request.id}
        try:
            target = target_of(request.job.metadata, request.room.name)
        except NotOurJob as error:
            logger.info("job refused: %s", error, extra=where)
            await request.reject(terminate=True)
            return
        if len(self._server.active_jobs) >= self._max_calls:
            logger.warning("job refused: %d calls already", self._max_calls, extra=where)
            await request.reject(terminate=False)  # another worker may have a place
            return
        session_id = target.session_id or new_session_id()
        await request.accept(identity=agent_identity(session_id), name=f"agent {target.agent_id}")

    def load(self, server: AgentServer) -> float:
        """Share of the places that are taken, as LiveKit compares workers by it.

        It stays below LiveKit's `agents.target_load` (0.7): beyond that the server would skip this
        worker without asking, and forget the job when there is no other.
        """
        return min(0.65, 0.65 * len(server.active_jobs) / self._max_calls)
