"""All sources of one process besides registrations and rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent_runtime.agents.sources.files import ConfigFiles
from agent_runtime.agents.templates import Templates

if TYPE_CHECKING:
    from agent_runtime.agents.sources.platform import PlatformSource


@dataclass(frozen=True, slots=True)
class AgentSources:
    """The sources that the settings name, and the templates that all of them may extend."""

    platform: PlatformSource | None = None
    files: ConfigFiles | None = None
    templates: Templates = field(default_factory=Templates)
