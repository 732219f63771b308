"""Fills plain `{{name}}` in a text that is no template. Braces are never read aloud."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any, Final

from agent_runtime.text.variables.values import LONGEST, folded

logger = logging.getLogger(__name__)

# Characters of a name that are logged.
LONGEST_NAME: Final = 80

_VARIABLE: Final = re.compile(r"[ \t]*\{\{([^{}]*)\}\}(?=([\s,.;:!?\u3002\uff0c\uff01\uff1f]|$)?)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


def filled(text: str, variables: Mapping[str, Any]) -> str:
    """The text with the variable of that name for each `{{name}}`; `{{a.b}}` is a value in an object.

    Letter case and low lines do not matter: `{{participant_name}}` is `participantName`. A name without a
    variable is left out with the space before it, and logged. Values are not filled themselves.
    """
    if "{{" not in text:
        return text
    missing: list[str] = []

    def value_of(found: re.Match[str]) -> str:
        value = _value(found[1].strip(), variables)
        if value is None:
            missing.append(found[1].strip())
            return "" if found[2] is not None else found[0][: found[0].index("{")]
        return f"{found[0][: found[0].index('{')]}{value}"

    result = _VARIABLE.sub(value_of, text)
    if missing:
        names = sorted({name[:LONGEST_NAME] for name in missing})
        logger.warning("no variable for %s: left out", ", ".join(names))
        result = re.sub(r"^[\s,;:]+", "", result)
    return result


def _value(name: str, variables: Mapping[str, Any]) -> str | None:
    value: Any = variables
    for part in name.split("."):
        if not isinstance(value, Mapping):
            return None
        by_name = {folded(str(key)): item for key, item in value.items()}
        value = by_name.get(folded(part))
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _CONTROL.sub(" ", text).strip()[:LONGEST] or None
