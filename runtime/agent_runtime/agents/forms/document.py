"""What any form of a configuration becomes: the registered form, with a report of the way there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from pydantic import ValidationError

from agent_runtime.agents.fields import Section, by_key, section_of, with_one_spelling
from agent_runtime.domain.errors import MAX_ISSUES, ConfigIssue, InvalidAgentConfig

Path = tuple[str | int, ...]

# Messages in place of pydantic's, which name classes of ours.
_MESSAGES: Final = {
    "model_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
    "list_type": "must be a JSON list",
    "missing": "is required",
}


class Form(StrEnum):
    """The forms in which a configuration comes."""

    REGISTERED = "registered"
    FILE = "file"
    ROW = "row"
    V0 = "v0"


@dataclass(frozen=True, slots=True)
class Document:
    """A configuration in the registered form, and where each of its values comes from.

    `text_id` is the id of an agent that has a text for one. `moved` has the path in the given form for the
    path of each value that has another one in the registered form; a longer path decides before a shorter
    one. `changes` and `ignored` say what was rewritten, and what is kept and has no effect.
    """

    form: Form
    config: Mapping[str, Any]
    agent_id: int | None = None
    text_id: str | None = None
    tenant_id: int | None = None
    moved: Mapping[Path, Path] = field(default_factory=dict)
    changes: Sequence[str] = ()
    ignored: Sequence[ConfigIssue] = ()

    def path_of(self, path: Path) -> Path:
        """The path in the given form of a path in the registered form."""
        moved = {_folded(one): origin for one, origin in self.moved.items()}
        for length in range(len(path), 0, -1):
            if (start := moved.get(_folded(path[:length]))) is not None:
                return (*start, *path[length:])
        return path

    def as_given(self, issue: ConfigIssue) -> ConfigIssue:
        """The issue with its path in the given form."""
        return ConfigIssue(self.path_of(issue.path), issue.message)

    def check(self, judge: Callable[[Mapping[str, Any]], object]) -> None:
        """Run a check of the registered form. Raises its InvalidAgentConfig, with paths as given."""
        try:
            judge(self.config)
        except InvalidAgentConfig as error:
            raise InvalidAgentConfig([self.as_given(issue) for issue in error.issues]) from error


def _folded(path: Path) -> Path:
    """The same for each spelling of the path's keys."""
    return tuple(
        one.replace("_", "").replace("-", "").lower() if isinstance(one, str) else one
        for one in path
    )


def in_one_spelling(section: type[Section], given: Mapping[str, Any]) -> dict[str, Any]:
    """The object with the keys of its fields in their own spelling, at every level, and without nulls.

    `given` is one that the section accepts.
    """
    fields, found = by_key(section), dict[str, Any]()
    for key, value in with_one_spelling(section, given).items():
        inner = section_of(fields[key]) if key in fields else None
        if inner is not None and isinstance(value, Mapping):
            found[key] = in_one_spelling(inner, value)
        elif inner is not None and isinstance(value, list):
            found[key] = [
                in_one_spelling(inner, one) if isinstance(one, Mapping) else one for one in value
            ]
        elif value is not None:
            found[key] = value
    return found


def shape_issues(error: ValidationError, given: Mapping[str, Any]) -> list[ConfigIssue]:
    """The faults that pydantic found in `given`, each with its path in it, one for each path."""
    found: dict[Path, list[str]] = {}
    for fault in error.errors(include_url=False, include_input=False)[: 4 * MAX_ISSUES]:
        message = _MESSAGES.get(str(fault["type"]), str(fault["msg"]).removeprefix("Value error, "))
        messages = found.setdefault(tuple(_within(given, fault["loc"])), [])
        if message not in messages:
            messages.append(message)
    return [ConfigIssue(path, "; or ".join(words)) for path, words in found.items()][:MAX_ISSUES]


def _within(given: Any, path: Sequence[str | int]) -> Iterator[str | int]:
    """The path without the names that pydantic adds for the members of a union."""
    for step in path:
        if isinstance(given, Mapping) and isinstance(step, str):
            if step not in given and (step in ("str", "int", "float") or "[" in step):
                return
            yield step
            given = given.get(step)
        elif isinstance(given, Sequence) and not isinstance(given, str) and isinstance(step, int):
            yield step
            given = given[step] if step < len(given) else None
        else:
            return
