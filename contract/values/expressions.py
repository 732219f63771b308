"""The expressions of the ledger: Jinja's, in its sandbox, with every unknown name an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, Undefined
from jinja2.sandbox import SandboxedEnvironment

from contract.errors import BrokenInput

_environment = SandboxedEnvironment(undefined=StrictUndefined)


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression; `where` is the place that an error names."""

    text: str
    where: str
    run: Callable[..., Any]

    @classmethod
    def of(cls, text: str, where: str) -> Expression:
        """Raises BrokenInput when the text does not parse."""
        try:
            return cls(text, where, _compiled(text))
        except TemplateError as error:
            raise BrokenInput(f"{where} does not parse: {error.message}: {text}") from error

    def evaluate(self, facts: Mapping[str, Any]) -> Any:
        """The value. Raises BrokenInput when it cannot be had from these facts."""
        try:
            value = self.run(**facts)
            if isinstance(value, Undefined):
                bool(value)  # raises, and names what is unknown
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise BrokenInput(f"{self.where} fails: {error}: {self.text}") from error
        return value

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it is true; false where something that it speaks of is not there."""
        try:
            return bool(self.evaluate(facts))
        except BrokenInput:
            return False


def render(template: Any, facts: Mapping[str, Any], where: str) -> Any:
    """A template of the ledger as a value: texts that begin with `= ` are expressions."""
    if isinstance(template, str) and template.startswith("= "):
        return Expression.of(template[2:], where).evaluate(facts)
    if isinstance(template, list):
        return [render(item, facts, where) for item in template]
    if isinstance(template, dict):
        return {key: render(item, facts, where) for key, item in template.items()}
    return template


@cache
def _compiled(text: str) -> Callable[..., Any]:
    return _environment.compile_expression(text, undefined_to_none=False)
