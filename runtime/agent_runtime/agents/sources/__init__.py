"""The sources of configurations besides registrations and rows: the platform's service, and files."""

from agent_runtime.agents.sources.document import DocumentReader, registered_form
from agent_runtime.agents.sources.files import ConfigFiles
from agent_runtime.agents.sources.sources import AgentSources

__all__ = ["AgentSources", "ConfigFiles", "DocumentReader", "registered_form"]
