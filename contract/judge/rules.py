"""Rules: what the new service must answer in place of the old service's answer, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from contract.errors import BrokenInput
from contract.judge.compare import Expectation
from contract.values.documents import Kind, dump, typed
from contract.values.expressions import Expression, render

# The parts of an answer that a rule may change.
CHANGES: Final = frozenset({"status", "headers", "body", "text", "set", "effects"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One accepted difference.

    `operation` is a name of openapi.yaml, or `*`; `when` is a predicate over the request, both answers
    and the world. `new` is what the new service must answer instead: `status`, `headers` (null removes
    one), `body` or `text` (whole), `set` (value by pointer of a single key), `effects`.
    """

    id: str
    operation: str
    when: Expression
    new: Mapping[str, Any]

    def concerns(self, operation: str) -> bool:
        """Whether the rule is about this operation at all."""
        return self.operation in ("*", operation)


def rewritten(expected: Expectation, rule: Rule, words: Mapping[str, Any]) -> Expectation:
    """The expectation after one rule. Raises BrokenInput when the rule's template fails."""
    new = render(rule.new, words, f"ledger entry {rule.id}")
    if "status" in new:
        expected = replace(expected, status=new["status"])
    if "headers" in new:
        merged = {**expected.headers, **new["headers"]}
        kept = {name: value for name, value in merged.items() if value is not None}
        expected = replace(expected, headers=kept)
    if "body" in new and words["request"].method != "HEAD":
        value = typed(new["body"])
        expected = replace(expected, kind=Kind.JSON, value=value, text=dump(value))
    if "text" in new:
        expected = replace(expected, kind=Kind.HTML, value=None, text=new["text"])
    if "set" in new:
        expected = replace(expected, value=_set(expected.value, new["set"], rule.id))
    if "effects" in new:
        expected = replace(expected, effects=tuple(new["effects"]))
    return expected


def _set(value: Any, places: Mapping[str, Any], rule: str) -> Any:
    if not isinstance(value, dict):
        raise BrokenInput(f"ledger entry {rule}: `set` needs an old answer that is an object")
    changed = dict(value)
    for pointer, wanted in places.items():
        key = pointer.removeprefix("/")
        if wanted is None:
            changed.pop(key, None)
        else:
            changed[key] = typed(wanted)
    return changed
