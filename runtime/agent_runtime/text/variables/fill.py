"""Fills a text, whether it is a template, an old text with plain names, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent_runtime.text.variables.simple import filled
from agent_runtime.text.variables.values import Filled


def may_be_template(text: str) -> bool:
    """Whether the text holds what begins a variable or a block; Jinja is loaded for no other text."""
    return "{{" in text or "{%" in text


def is_template(text: str) -> bool:
    """Whether `fill` fills anything in the text by the rules of templates."""
    return may_be_template(text) and problem(text) is None


def problem(text: str) -> str | None:
    """Why a text with braces is no template that can be used; None for a template, and for plain text."""
    if not may_be_template(text):
        return None
    from agent_runtime.text.variables.language import compiled

    found = compiled(text)
    return found if isinstance(found, str) else None


def fill(text: str, values: Mapping[str, Any]) -> Filled:
    """The text with its variables filled. A missing one is left out with the space before it.

    A text that is no valid template is filled by the plain names in it, as texts of earlier versions were.
    Raises TemplateFault when filling it would take too long, or when a value is of the wrong kind.
    """
    if not may_be_template(text):
        return Filled(text)
    from agent_runtime.text.variables.language import compiled
    from agent_runtime.text.variables.render import render

    found = compiled(text)
    if isinstance(found, str):
        return Filled(filled(text, values))
    return render(found, values)
