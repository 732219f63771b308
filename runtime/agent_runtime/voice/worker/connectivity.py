"""Whether LiveKit is within this worker's reach.

The agent server tries again and again when it is not, and offers no event for it. The API's bell is heard
meanwhile: a worker that is cut off from LiveKit alone would claim sessions whose rooms it cannot join, and
their callers would wait until it gave them back.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Final

import aiohttp

from agent_runtime.voice.worker.admission import Admission

logger = logging.getLogger(__name__)

ASK_EVERY: Final = 3.0  # seconds
ASK_AGAIN: Final = 0.5  # seconds, after a question that was not answered
PATIENCE: Final = aiohttp.ClientTimeout(total=2)
TRIES: Final = 2  # unanswered questions in a row, after which it is cut off


class Connectivity:
    """Asks LiveKit's HTTP port, whose every answer will do, and tells the admission."""

    def __init__(self, livekit_url: str, admission: Admission) -> None:
        self._url = re.sub(r"^ws", "http", livekit_url)
        self._admission = admission

    async def run(self) -> None:
        """Until cancelled."""
        missed = 0
        # Through the proxy of the environment, as the agent server.
        async with aiohttp.ClientSession(timeout=PATIENCE, trust_env=True) as http:
            while True:
                problem = await self._problem(http)
                missed = missed + 1 if problem else 0
                self._tell(missed >= TRIES, problem)
                await asyncio.sleep(ASK_AGAIN if missed else ASK_EVERY)

    def _tell(self, is_cut_off: bool, problem: str | None) -> None:
        if is_cut_off and not self._admission.cut_off:
            logger.error("LiveKit is out of reach, no new sessions are claimed: %s", problem)
        elif self._admission.cut_off and not is_cut_off:
            logger.warning("LiveKit is within reach again")
        self._admission.cut_off = is_cut_off

    async def _problem(self, http: aiohttp.ClientSession) -> str | None:
        try:
            async with http.get(self._url, allow_redirects=False):
                return None
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"{type(error).__name__}: {error}".rstrip(": ")
