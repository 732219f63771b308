"""Configurations of the platform's service: `GET {PLATFORM_API_URL}/api/agents/{id}/config`.

The last good answer is kept in the database, so that calls begin while the service is away. Each call has
a process of its own, so what is known of the service stands there as well.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp

from agent_runtime import __version__
from agent_runtime.agents.sources.document import DocumentReader, ReadAgent
from agent_runtime.domain.agents.config_source import KeptAnswer, ServiceState
from agent_runtime.domain.clock import MACHINE, Clock
from agent_runtime.domain.errors import InvalidAgentConfig, PlatformUnavailable
from agent_runtime.domain.ports.agents import PlatformAnswers

logger = logging.getLogger(__name__)

# Seconds that one request may take, the connection included: a caller waits for it.
TIMEOUT: Final = 2.0
# Attempts without an earlier answer, and seconds before the second; before the third it is twice as long.
# With an earlier answer the call begins with that after one attempt.
TRIES: Final = 3
PAUSE: Final = 0.2
# How long an answer is used without another request: calls that begin together need one.
FRESH: Final = timedelta(seconds=5)
# Failed requests in a row after which the service is not asked, and for how long: calls begin at once.
FAILURES_TO_OPEN: Final = 3
OPEN_FOR: Final = timedelta(seconds=30)
# Bytes of an answer, ten times what a registration may have.
MAX_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PlatformAgent:
    """An agent as the service has it, or had it when it last answered."""

    agent: ReadAgent
    answered_at: datetime


class PlatformSource:
    """Asks the service at `url` with the bearer token `key`, and keeps what it answers."""

    def __init__(
        self,
        url: str,
        key: str,
        answers: PlatformAnswers,
        reader: DocumentReader,
        *,
        timeout: float = TIMEOUT,
        clock: Clock = MACHINE,
    ) -> None:
        self._url = url
        self._key = key
        self._answers = answers
        self._reader = reader
        self._timeout = timeout
        self._clock = clock

    async def find(self, agent_id: int) -> PlatformAgent | None:
        """The agent by the service, else by its last good answer; None when the service does not know it.

        Raises PlatformUnavailable without both, and StoreUnavailable.
        """
        state, kept = await self._answers.read(agent_id)
        now = self._clock.wall()
        if kept is not None and timedelta() <= now - kept.answered_at < FRESH:
            return await self._agent(kept)
        if state.retry_at is not None and now < state.retry_at:
            return await self._without_service(
                agent_id, kept, "it failed, and is not asked again yet"
            )
        try:
            answer = await self._ask(agent_id, kept)
        except _NoAnswerError as error:
            await self._note_failure(state)
            return await self._without_service(agent_id, kept, str(error))
        if state.failures:
            await self._answers.set_state(ServiceState())
            logger.info("the platform's service answers again")
        return await self._taken(agent_id, kept, answer)

    async def _taken(
        self, agent_id: int, kept: KeptAnswer | None, answer: KeptAnswer | None
    ) -> PlatformAgent | None:
        """Keep the answer and return its agent; an answer that no agent can run with is not kept."""
        if answer is None:
            if kept is not None:
                await self._answers.forget(agent_id)
            return None
        try:
            agent = await self._agent(answer)
        except InvalidAgentConfig as error:
            why = f"its configuration is invalid: {error}"
            return await self._without_service(agent_id, kept, why)
        await self._answers.keep(agent_id, answer)
        return agent

    async def _without_service(
        self, agent_id: int, kept: KeptAnswer | None, why: str
    ) -> PlatformAgent:
        if kept is None:
            raise PlatformUnavailable(
                f"no configuration of agent {agent_id} from the platform: {why}"
            )
        age = int((self._clock.wall() - kept.answered_at).total_seconds())
        logger.warning("agent %d: the platform's configuration is %d s old: %s", agent_id, age, why)
        return await self._agent(kept)

    async def _agent(self, answer: KeptAnswer) -> PlatformAgent:
        document, tenant_id = _opened(answer.document)
        found = await asyncio.to_thread(self._reader.read, document)  # templates are files
        agent = replace(found, tenant_id=tenant_id or found.tenant_id)
        return PlatformAgent(agent, answer.answered_at)

    async def _note_failure(self, state: ServiceState) -> None:
        failures = state.failures + 1
        retry_at = self._clock.wall() + OPEN_FOR if failures >= FAILURES_TO_OPEN else None
        await self._answers.set_state(ServiceState(failures, retry_at))

    async def _ask(self, agent_id: int, kept: KeptAnswer | None) -> KeptAnswer | None:
        """The answer of one or more requests; None for 404. Raises _NoAnswerError."""
        tries = 1 if kept is not None else TRIES
        timeout = aiohttp.ClientTimeout(total=self._timeout)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as client:
            for number in range(tries):
                try:
                    return await self._request(client, agent_id, kept)
                except _NoAnswerError as error:
                    if number + 1 == tries or not error.is_temporary:
                        raise
                await asyncio.sleep(PAUSE * 2**number)
        raise AssertionError("unreachable")

    async def _request(
        self, client: aiohttp.ClientSession, agent_id: int, kept: KeptAnswer | None
    ) -> KeptAnswer | None:
        headers = {"Accept": "application/json", "User-Agent": f"agent-runtime/{__version__}"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        if kept is not None and kept.etag:
            headers["If-None-Match"] = kept.etag
        url = f"{self._url}/api/agents/{agent_id}/config"
        try:
            async with client.get(url, headers=headers, allow_redirects=False) as response:
                now = self._clock.wall().astimezone(UTC)
                if response.status == 304 and kept is not None:
                    return KeptAnswer(kept.document, kept.etag, now)
                if response.status == 404:
                    return None
                if response.status != 200:
                    raise _refusal(response.status)
                document = _json_object(await _body(response))
                return KeptAnswer(document, response.headers.get("ETag"), now)
        except TimeoutError as error:
            raise _NoAnswerError(f"no answer within {self._timeout:g} s") from error
        except aiohttp.ClientError as error:
            raise _NoAnswerError(f"{type(error).__name__}: {error}") from error


class _NoAnswerError(Exception):
    """The service gave no answer that can be used; a repetition may help if `is_temporary`."""

    def __init__(self, why: str, *, is_temporary: bool = True) -> None:
        super().__init__(why)
        self.is_temporary = is_temporary


def _refusal(status: int) -> _NoAnswerError:
    if status in (401, 403):
        return _NoAnswerError(
            f"it refuses the key with {status}: check PLATFORM_API_KEY", is_temporary=False
        )
    return _NoAnswerError(f"it answers {status}", is_temporary=status >= 500 or status == 429)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_chunked(64 * 1024):
        body += piece
        if len(body) > MAX_BYTES:
            raise _NoAnswerError(f"its answer has more than {MAX_BYTES} bytes", is_temporary=False)
    return bytes(body)


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _NoAnswerError("its answer is not JSON") from error
    if not isinstance(document, dict):
        raise _NoAnswerError("its answer is no JSON object")
    return document


def _opened(document: Mapping[str, Any]) -> tuple[Mapping[str, Any], int | None]:
    """The configuration and the tenant of an answer: `{config, tenantId}`, or the configuration alone."""
    tenant_id = document.get("tenantId", document.get("tenant_id"))
    is_id = isinstance(tenant_id, int) and not isinstance(tenant_id, bool) and tenant_id > 0
    config = document.get("config")
    return config if isinstance(config, dict) else document, tenant_id if is_id else None
