"""The sources of agents that the settings name; API and worker read templates from the same folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_runtime.agents.sources import (
    AgentSources,
    ConfigFiles,
    DocumentReader,
    registered_form,
)
from agent_runtime.agents.templates import Templates
from agent_runtime.domain.ports.agents import TextIdRegistry
from agent_runtime.settings import Settings

if TYPE_CHECKING:
    from agent_runtime.storage import Database


def templates(settings: Settings) -> Templates:
    """The package's templates, and the operator's in any form."""
    return Templates(settings.sources.templates_folder, registered_form)


def text_ids(settings: Settings, database: Database) -> TextIdRegistry:
    """The numbers of text ids; a file in AGENT_CONFIG_DIR gets one when its agent is first called."""
    from agent_runtime.storage import StoredTextIds

    stored = StoredTextIds(database)
    if settings.sources.folder is None:
        return stored
    from agent_runtime.agents.sources.file_ids import FileTextIds

    return FileTextIds(stored, settings.sources.folder)


def agent_sources(settings: Settings, database: Database) -> AgentSources:
    """The platform's service, if PLATFORM_API_URL is set, and files, if AGENT_CONFIG_DIR is."""
    given, reader = settings.sources, DocumentReader(templates(settings))
    platform = files = None
    if given.platform_url:
        # Only here: a worker without the service needs neither.
        from agent_runtime.agents.sources.platform import PlatformSource
        from agent_runtime.storage.repositories.registry.platform_answers import (
            StoredPlatformAnswers,
        )

        key = given.platform_key.get_secret_value()
        answers = StoredPlatformAnswers(database, settings.secrets.keyring())
        platform = PlatformSource(given.platform_url, key, answers, reader)
    if given.folder is not None:
        files = ConfigFiles(given.folder, reader, text_ids(settings, database))
    return AgentSources(platform, files, reader.templates)
