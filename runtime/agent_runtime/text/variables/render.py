"""Runs a compiled template on values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import jinja2
from jinja2 import Template

from agent_runtime.text.variables.filters import WORK
from agent_runtime.text.variables.values import (
    HOLE,
    MAX_OUTPUT,
    Data,
    Filled,
    TemplateFault,
    Work,
    as_data,
)

_HOLE: Final = re.compile(rf"[ \t]*{HOLE}(?=([\s,.;:!?\u3002\uff0c\uff01\uff1f]|$)?)")


def render(template: Template, values: Mapping[str, Any]) -> Filled:
    """The text of the template, and the names without a value. Raises TemplateFault."""
    work = Work()
    data: Data = as_data(values)
    context = template.new_context({"_values": data, WORK: work}, shared=True)
    try:
        text = "".join(_bounded(template.root_render_func(context)))
    except TemplateFault:
        raise
    except (TypeError, ValueError, ArithmeticError, LookupError, jinja2.TemplateError) as error:
        raise TemplateFault(f"the template cannot be filled: {error}") from error
    if not work.missing:
        return Filled(text)
    return Filled(_without_holes(text), tuple(work.missing))


def _bounded(pieces: Iterable[str]) -> Iterator[str]:
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > MAX_OUTPUT:
            raise TemplateFault(f"the filled text has more than {MAX_OUTPUT} characters")
        yield piece


def _without_holes(text: str) -> str:
    """The text without the places of missing values and the spaces before them."""

    def closed(found: re.Match[str]) -> str:
        return "" if found[1] is not None else found[0][: found[0].index(HOLE)]

    return re.sub(r"^[\s,;:]+", "", _HOLE.sub(closed, text))
