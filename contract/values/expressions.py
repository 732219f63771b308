"""Expressions of the ledger and of mutants: Jinja's, sandboxed; an unknown name is an error."""

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
    """A compiled expression; error messages name the place `where`."""

    text: str
    where: str
    run: Callable[..., Any]

    @classmethod
    def of(cls, text: str, where: str) -> Expression:
        """Compile a text. Raises BrokenInput when it does not parse."""
        try:
            return cls(text, where, _compiled(text))
        except TemplateError as error:
            raise BrokenInput(f"{where} does not parse: {error.message}: {text}") from error

    def evaluate(self, facts: Mapping[str, Any]) -> Any:
        """The value. Raises BrokenInput when these facts do not give one."""
        try:
            value = self.run(**facts)
            if isinstance(value, Undefined):
                bool(value)  # raises, and names the unknown word
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise BrokenInput(f"{self.where} fails: {error}: {self.text}") from error
        return value

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it is true; false when one of its words is unknown."""
        try:
            return bool(self.evaluate(facts))
        except BrokenInput:
            return False


def render(template: Any, facts: Mapping[str, Any], where: str) -> Any:
    """The value of a template: texts in it that begin with `= ` are expressions."""
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
