"""Reads a document of a source: whatever its form, it becomes the registered one, then a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agent_runtime.agents.forms.registered import parse_registered
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.templates import Templates

Document = Mapping[str, Any]
# Turns a document of any form into the registered one. Raises InvalidAgentConfig, which names each fault.
FormReader = Callable[[Document], Document]


@dataclass(frozen=True, slots=True)
class DocumentReader:
    """Reads documents of every form that `read_form` knows, and completes them by their templates."""

    templates: Templates
    read_form: FormReader = dict

    def read(self, document: Document) -> AgentConfig:
        """The configuration of a document. Raises InvalidAgentConfig with all its faults. Reads files."""
        return parse_registered(self.templates.resolved(self.read_form(document)))
