"""An agent's instructions: their sections in order, and the variables in its texts."""

from agent_runtime.agents.instructions.fill import (
    FilledTexts,
    fill_texts,
    has_variables,
    template_warnings,
)
from agent_runtime.agents.instructions.sections import Section, Tool, instructions, sections_of
from agent_runtime.agents.instructions.values import call_values

__all__ = [
    "FilledTexts",
    "Section",
    "Tool",
    "call_values",
    "fill_texts",
    "has_variables",
    "instructions",
    "sections_of",
    "template_warnings",
]
