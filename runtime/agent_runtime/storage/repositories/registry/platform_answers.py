"""The last good answers of the platform's configuration service, and how the service is."""

from __future__ import annotations

import json
from typing import Final

from peewee import EXCLUDED

from agent_runtime.domain.agents.config_source import KeptAnswer, ServiceState
from agent_runtime.secrecy.keyring import Keyring
from agent_runtime.storage.repositories.sealed.rotation import answer_context
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.runtime import PlatformConfigs
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import bind
from agent_runtime.storage.sql.times import aware

# The row of the service itself; no agent has this id.
SERVICE: Final = 0

_AGENT_ID: Final = bind("agent_id", "integer")


class StoredPlatformAnswers(Store):
    """Implements the port PlatformAnswers."""

    def __init__(self, database: Database, keyring: Keyring | None = None) -> None:
        """Answers are encrypted with the first key of `keyring`; without keys they are not."""
        super().__init__(database)
        self._keyring = keyring or Keyring()

    _read = CompiledOnce(
        lambda: PlatformConfigs.select(
            PlatformConfigs.agent_id,
            PlatformConfigs.etag,
            PlatformConfigs.document,
            PlatformConfigs.answered_at,
            PlatformConfigs.failures,
            PlatformConfigs.retry_at,
        ).where((PlatformConfigs.agent_id == _AGENT_ID) | (PlatformConfigs.agent_id == SERVICE))
    )

    async def read(self, agent_id: int) -> tuple[ServiceState, KeptAnswer | None]:
        """The state of the service, and its last good answer for the agent, in one statement.

        Raises SecretsUnreadable when no key opens the answer.
        """
        state, kept = ServiceState(), None
        rows = await self._database.read(self._read.bind(agent_id=agent_id))
        for found, etag, document, answered_at, failures, retry_at in rows:
            if found == SERVICE:
                state = ServiceState(failures, None if retry_at is None else aware(retry_at))
            elif document is not None:
                clear = self._keyring.open(document, answer_context(agent_id))
                kept = KeptAnswer(json.loads(clear), etag, aware(answered_at))
        return state, kept

    _keep = CompiledOnce(
        lambda: PlatformConfigs.insert(
            {
                PlatformConfigs.agent_id: _AGENT_ID,
                PlatformConfigs.etag: bind("etag"),
                PlatformConfigs.document: bind("document"),
                PlatformConfigs.answered_at: bind("answered_at", "timestamp"),
                PlatformConfigs.failures: 0,
            }
        ).on_conflict(
            conflict_target=[PlatformConfigs.agent_id],
            update={
                PlatformConfigs.etag: EXCLUDED.etag,
                PlatformConfigs.document: EXCLUDED.document,
                PlatformConfigs.answered_at: EXCLUDED.answered_at,
            },
        )
    )

    async def keep(self, agent_id: int, answer: KeptAnswer) -> None:
        """Insert the answer, or replace the one before."""
        await self._database.write(
            self._keep.bind(
                agent_id=agent_id,
                etag=answer.etag,
                document=self._keyring.seal(json.dumps(answer.document), answer_context(agent_id)),
                answered_at=self._database.moment(answer.answered_at),
            )
        )

    _forget = CompiledOnce(
        lambda: PlatformConfigs.delete().where(PlatformConfigs.agent_id == _AGENT_ID)
    )

    async def forget(self, agent_id: int) -> None:
        """Delete the answer."""
        await self._database.write(self._forget.bind(agent_id=agent_id))

    _set_state = CompiledOnce(
        lambda: PlatformConfigs.insert(
            {
                PlatformConfigs.agent_id: SERVICE,
                PlatformConfigs.failures: bind("failures", "integer"),
                PlatformConfigs.retry_at: bind("retry_at", "timestamp"),
            }
        ).on_conflict(
            conflict_target=[PlatformConfigs.agent_id],
            update={
                PlatformConfigs.failures: EXCLUDED.failures,
                PlatformConfigs.retry_at: EXCLUDED.retry_at,
            },
        )
    )

    async def set_state(self, state: ServiceState) -> None:
        """Insert or replace the row of the service."""
        retry_at = None if state.retry_at is None else self._database.moment(state.retry_at)
        await self._database.write(self._set_state.bind(failures=state.failures, retry_at=retry_at))
