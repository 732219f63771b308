"""What the commands on agents need: the registry, the numbers of text ids, and rows of the platform."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agent_runtime.agents.forms.row import completed, form_of
from agent_runtime.agents.in_force import Defaults, Layer
from agent_runtime.agents.sources import AgentSources
from agent_runtime.agents.templates.library import extended_by
from agent_runtime.application.registration import Registered, Registrar, checked
from agent_runtime.domain.access.audit import CLI, DONE, AuditEntry
from agent_runtime.domain.agents.agent import AgentVersion, Registration
from agent_runtime.domain.agents.text_ids import with_number
from agent_runtime.domain.errors import AgentUnknown
from agent_runtime.domain.job import target_named
from agent_runtime.domain.ports.access import AuditStore
from agent_runtime.domain.ports.agents import AgentRegistry, TextIdRegistry
from agent_runtime.settings import Settings
from agent_runtime.wiring.database import open_database
from agent_runtime.wiring.sources import agent_sources, templates, text_ids

if TYPE_CHECKING:
    from agent_runtime.storage import Database


@dataclass(frozen=True, slots=True)
class ListedAgent:
    """A registered agent, as the list shows it."""

    agent_id: int
    text_id: str | None
    registration: Registration


@dataclass(frozen=True, slots=True)
class FoundConfig:
    """The merged configuration of an agent in the registered form, and the layers that it consists of."""

    agent_id: int
    tenant_id: int
    version: int | None
    config: Mapping[str, Any]
    layers: Sequence[Layer]


def check_config(settings: Settings, config: Mapping[str, Any]) -> None:
    """Raise InvalidAgentConfig, naming each faulty field, unless a call could use this configuration."""
    checked(config, settings.provider_defaults(), templates(settings))


def defaults_of(settings: Settings) -> Defaults:
    """What these settings give to agents that do not say otherwise."""
    providers = settings.provider_defaults()
    return Defaults(providers, settings.worker.profile, settings.api.max_sessions_per_agent)


@asynccontextmanager
async def agent_store(settings: Settings) -> AsyncIterator[AgentStore]:
    """The agents of the database; raises StoreUnavailable when it cannot be used."""
    from agent_runtime.storage import RegisteredAgents, StoredAudit, StoredSessions

    database: Database = open_database(settings)
    try:
        await database.check()
        kept = settings.database.agent_versions_kept
        agents = RegisteredAgents(
            database, StoredSessions(database), kept, keyring=settings.secrets.keyring()
        )
        providers = settings.provider_defaults()
        registrar = Registrar(
            agents, providers, settings.api.max_sessions_per_agent, templates(settings)
        )
        sources, audit = agent_sources(settings, database), StoredAudit(database)
        yield AgentStore(agents, text_ids(settings, database), registrar, sources, audit)
    finally:
        await database.close()


@dataclass(frozen=True, slots=True)
class AgentStore:
    """The agents of one database."""

    agents: AgentRegistry
    text_ids: TextIdRegistry
    registrar: Registrar
    sources: AgentSources
    audit: AuditStore

    async def register(
        self, agent_id: int, tenant_id: int, config: Mapping[str, Any], origin: str, command: str
    ) -> Registered:
        """Register an agent, with an entry of the audit for the command.

        Raises InvalidAgentConfig, and AgentOfOtherTenant.
        """
        registered = await self.registrar.register(agent_id, tenant_id, config, origin)
        now = datetime.now(UTC)
        entry = AuditEntry(now, CLI, command, DONE, agent_id=agent_id, tenant_id=tenant_id)
        await self.audit.append([entry])
        return registered

    async def number(self, name: str) -> int:
        """The number of an agent that is named by it or by its text id.

        Raises NotOurJob for what is no id, and AgentUnknown for a text that nobody has.
        """
        return (await with_number(target_named(name), self.text_ids)).agent_id

    async def list(self) -> list[ListedAgent]:
        """The registered agents, in the order of their first registration."""
        texts = await self.text_ids.all()
        found = []
        for agent_id in await self.agents.list_ids():
            registration = await self.agents.get(agent_id)
            if registration is not None:
                found.append(ListedAgent(agent_id, texts.get(agent_id), registration))
        return found

    async def find(self, agent_id: int) -> FoundConfig:
        """The configuration as a call would get it: the registration, completed by the platform's row.

        An agent that is not registered comes from the first other source that has it.
        Raises AgentUnknown, PlatformUnavailable, or InvalidAgentConfig for what such a source has.
        """
        registration = await self.agents.get(agent_id)
        row = await self.agents.agent_row(agent_id)
        if registration is None:
            return await self._of_other_source(agent_id, row)
        layers = [Layer(f"registration, version {registration.version}", registration.config)]
        config = self.registrar.templates.resolved(registration.config)
        if config is not registration.config:
            layers.append(Layer(f"template {extended_by(registration.config)}", config))
        if row is not None and row["tenant_id"] == registration.tenant_id:
            form = form_of(row)
            config = completed(config, form)
            layers.append(Layer("row of the agents table", form))
        return FoundConfig(agent_id, registration.tenant_id, registration.version, config, layers)

    async def _of_other_source(self, agent_id: int, row: Mapping[str, Any] | None) -> FoundConfig:
        tenant_id = 0 if row is None else int(row["tenant_id"])
        if self.sources.platform is not None:
            answer = await self.sources.platform.find(agent_id)
            if answer is not None:
                layer = Layer(
                    f"platform, {answer.answered_at:%Y-%m-%d %H:%M:%S} UTC", answer.agent.form
                )
                tenant_id = answer.agent.tenant_id or tenant_id
                return FoundConfig(agent_id, tenant_id, None, layer.values, [layer])
        if row is not None:
            layer = Layer("row of the agents table", form_of(row))
            return FoundConfig(agent_id, tenant_id, None, layer.values, [layer])
        found = None if self.sources.files is None else await self.sources.files.find(agent_id)
        if found is None:
            raise AgentUnknown(agent_id)
        layer = Layer(f"file {found.path}", found.agent.form)
        return FoundConfig(agent_id, found.agent.tenant_id or 0, None, layer.values, [layer])

    async def history(self, agent_id: int) -> Sequence[AgentVersion]:
        """The versions that are kept, the latest first. Raises AgentUnknown when there is none."""
        found = await self.agents.history(agent_id)
        if not found:
            raise AgentUnknown(agent_id, "it was never registered")
        return found

    async def version(self, agent_id: int, version: int) -> Registration:
        """What was registered as this version. Raises AgentUnknown when it is not kept."""
        found = await self.agents.version(agent_id, version)
        if found is None:
            raise AgentUnknown(agent_id, f"version {version} is not kept")
        return found

    async def roll_back(self, agent_id: int, version: int) -> int:
        """Register what was that version; returns the number under which it is in force now.

        Raises AgentUnknown, or InvalidAgentConfig when it can no longer be registered.
        """
        old = await self.version(agent_id, version)
        origin = f"rolled back to version {version}"
        registered = await self.register(
            agent_id, old.tenant_id, old.config, origin, "agents rollback"
        )
        return registered.version
