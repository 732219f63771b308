"""Reads a document of a source: whatever its form, it becomes the registered one, then a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_runtime.agents.forms.any_form import load, read
from agent_runtime.agents.forms.document import Document
from agent_runtime.agents.forms.registered import parse_registered
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.templates import Templates


@dataclass(frozen=True, slots=True)
class ReadAgent:
    """The configuration of a document, and its registered form after templates.

    `tenant_id` is None where the document does not say.
    """

    config: AgentConfig
    form: Mapping[str, Any]
    tenant_id: int | None


@dataclass(frozen=True, slots=True)
class DocumentReader:
    """Reads documents of every form, and completes them by their templates, which are files."""

    templates: Templates

    def read(self, given: Mapping[str, Any]) -> ReadAgent:
        """Read a JSON object. Raises InvalidAgentConfig, which names each faulty field."""
        return self._completed(read(given))

    def load(self, text: bytes) -> ReadAgent:
        """Read a JSON text. Raises InvalidAgentConfig, which names each faulty field."""
        return self._completed(load(text))

    def _completed(self, document: Document) -> ReadAgent:
        form = self.templates.resolved(document.config)
        return ReadAgent(parse_registered(form), form, document.tenant_id)


def registered_form(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The registered form of a document of any form: the reader of templates. Raises InvalidAgentConfig."""
    return read(given).config
