"""Watches whether this worker can reach LiveKit.

The agent server retries endlessly while LiveKit is unreachable, and has no event for it. Dispatch
notifications of the API still arrive then: a worker that is cut off from LiveKit alone would claim sessions
whose rooms it cannot join, and their callers would wait until it released them.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Final

import aiohttp

from agent_runtime.voice.worker.admission import Admission

logger = logging.getLogger(__name__)

# Seconds between two probes while LiveKit answers.
PROBE_INTERVAL: Final = 3.0
# Seconds until the next probe after a failed one: shorter, so that an outage is certain soon.
RETRY_INTERVAL: Final = 0.5
# A probe without an answer within 2 s has failed: LiveKit answers within milliseconds.
PROBE_TIMEOUT: Final = aiohttp.ClientTimeout(total=2)
# Failed probes in a row after which LiveKit counts as unreachable: a busy machine may miss one.
FAILED_PROBES: Final = 2


class Connectivity:
    """Probes LiveKit's HTTP port and sets `admission.livekit_reachable`; any HTTP answer counts."""

    def __init__(self, livekit_url: str, admission: Admission) -> None:
        self._url = re.sub(r"^ws", "http", livekit_url)
        self._admission = admission

    async def run(self) -> None:
        """Probe until cancelled."""
        failed = 0
        # Through the proxy that the environment names, as the agent server does.
        async with aiohttp.ClientSession(timeout=PROBE_TIMEOUT, trust_env=True) as http:
            while True:
                problem = await self._probe(http)
                failed = failed + 1 if problem else 0
                self._note(failed < FAILED_PROBES, problem)
                await asyncio.sleep(RETRY_INTERVAL if failed else PROBE_INTERVAL)

    def _note(self, is_reachable: bool, problem: str | None) -> None:
        was_reachable = self._admission.livekit_reachable
        if was_reachable and not is_reachable:
            logger.error("LiveKit is unreachable, no new sessions are claimed: %s", problem)
        elif is_reachable and not was_reachable:
            logger.warning("LiveKit is reachable again")
        self._admission.livekit_reachable = is_reachable

    async def _probe(self, http: aiohttp.ClientSession) -> str | None:
        """Return what is wrong, or None when LiveKit answered."""
        try:
            async with http.get(self._url, allow_redirects=False):
                return None
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"{type(error).__name__}: {error}".rstrip(": ")
