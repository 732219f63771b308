"""Reads the versions of registered agents."""

from __future__ import annotations

import json
from typing import Any, Final

from agent_runtime.domain.agents.agent import AgentVersion, Registration
from agent_runtime.domain.errors import SecretsUnreadable
from agent_runtime.secrecy.keyring import Keyring
from agent_runtime.storage.repositories.sealed.rotation import registration_context
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.runtime import AgentVersions
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import bind, single
from agent_runtime.storage.sql.times import aware

_AGENT_ID: Final = bind("agent_id", "integer")


class AgentHistory(Store):
    """The part of the port AgentRegistry that reads versions."""

    def __init__(self, database: Database, keyring: Keyring | None = None) -> None:
        """Configurations are encrypted with the first key of `keyring`; without keys they are not."""
        super().__init__(database)
        self._keyring = keyring or Keyring()

    _history = CompiledOnce(
        lambda: (
            AgentVersions.select(
                AgentVersions.version,
                AgentVersions.tenant_id,
                AgentVersions.origin,
                AgentVersions.created_at,
            )
            .where(AgentVersions.agent_id == _AGENT_ID)
            .order_by(AgentVersions.version.desc())
        )
    )

    async def history(self, agent_id: int) -> list[AgentVersion]:
        """The versions that are kept, the latest first."""
        rows = await self._database.read(self._history.bind(agent_id=agent_id))
        return [
            AgentVersion(version, tenant_id, origin, aware(at))
            for version, tenant_id, origin, at in rows
        ]

    _version = CompiledOnce(
        lambda: AgentVersions.select(
            AgentVersions.tenant_id,
            AgentVersions.config,
            AgentVersions.max_sessions,
            AgentVersions.version,
        ).where(
            AgentVersions.agent_id == _AGENT_ID, AgentVersions.version == bind("number", "integer")
        )
    )

    async def version(self, agent_id: int, version: int) -> Registration | None:
        """What was registered as this version, or None."""
        row = single(
            await self._database.read(self._version.bind(agent_id=agent_id, number=version))
        )
        return None if row is None else self._registration(agent_id, row)

    def _registration(self, agent_id: int, row: tuple[Any, ...]) -> Registration:
        """The registration of a row with tenant, content, sessions and version.

        Raises SecretsUnreadable.
        """
        tenant_id, sealed, max_sessions, version = row
        try:
            config = self._keyring.open(sealed, registration_context(agent_id))
        except SecretsUnreadable as error:
            error.tenant_id = tenant_id
            raise
        return Registration(agent_id, tenant_id, json.loads(config), max_sessions, version)
