"""Values of variables while a template is filled: plain data, found whatever the case of their names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from agent_runtime.domain.errors import InvalidInput

# Steps of work that filling one text may take: iterations, weighed by the nodes in the loop, and items or
# characters that a filter looks at. 100,000 take about 0.2 s at the worst.
MAX_STEPS: Final = 100_000
# Characters of a filled text. The longest prompts in the field have 30,000.
MAX_OUTPUT: Final = 100_000
# Levels of nesting of a value; deeper data is left out.
MAX_DEPTH: Final = 20
# Characters of one value's text: a name is set by a stranger, and stands in the agent's instructions.
LONGEST: Final = 2000
# Stands where a value is missing until the space before it is removed: a private character, which no value
# can bring into the text.
HOLE: Final = "\ue0ff"

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ue0ff]+")


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its variables filled; `missing` are the names that have neither a value nor a default."""

    text: str
    missing: tuple[str, ...] = ()


class TemplateFault(InvalidInput):
    """Raised when a template cannot be filled with the values given; the message says why."""

    remedy = "correct the template, or the values given for it"


class Data(dict[str, Any]):
    """An object among the values; `path` is its name in a template, `text` what is said instead of JSON."""

    __slots__ = ("_by_folded", "path", "text")

    def __init__(self, items: Mapping[str, Any], path: str = "", text: str | None = None) -> None:
        super().__init__(items)
        self.path = path
        self.text = text
        self._by_folded: dict[str, Any] | None = None

    def find(self, name: str) -> Any:
        """The value of that name, in any spelling of it; None where there is none, or a blank one."""
        value = self.get(name)
        if value is None:
            if self._by_folded is None:
                self._by_folded = {folded(key): item for key, item in reversed(self.items())}
            value = self._by_folded.get(folded(name))
        return None if isinstance(value, str) and not value.strip() else value


def folded(name: str) -> str:
    """The name without low lines and letter case: `participant_name` is `participantName`."""
    return name.strip().replace("_", "").lower()


def as_data(value: Any, path: str = "", depth: int = 0) -> Any:
    """A copy of JSON data whose objects are `Data`; anything else becomes its text."""
    if isinstance(value, Data) and value.text is not None:
        return value
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, Mapping):
        below = f"{path}." if path else ""
        return Data(
            {str(key): as_data(one, f"{below}{key}", depth + 1) for key, one in value.items()}, path
        )
    if isinstance(value, list | tuple):
        return [as_data(one, f"{path}.{number}", depth + 1) for number, one in enumerate(value)]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def as_text(value: Any) -> str:
    """What an agent says for the value: one line of at most `LONGEST` characters."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Data) and value.text is not None:
        value = value.text
    elif isinstance(value, dict | list | tuple):
        value = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str | int | float):
        return ""
    return _CONTROL.sub(" ", str(value)).strip()[:LONGEST]


class Work:
    """What filling one text has taken so far, and the names that had no value."""

    __slots__ = ("missing", "steps")

    def __init__(self) -> None:
        self.steps = 0
        self.missing: dict[str, None] = {}

    def charge(self, steps: int) -> None:
        """Count steps. Raises TemplateFault beyond `MAX_STEPS`."""
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise TemplateFault("the template takes too long: its loops have too many iterations")

    def charge_for(self, value: Any) -> None:
        """Count the steps of looking at every item or character of the value."""
        if isinstance(value, str):
            self.charge(1 + len(value) // 16)
        elif isinstance(value, dict | list | tuple):
            self.charge(1 + len(value))
        else:
            self.charge(1)
