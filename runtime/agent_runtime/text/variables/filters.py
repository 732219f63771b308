"""The filters of templates. Each counts its work first, and leaves a missing value missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context

from agent_runtime.text.variables.values import MAX_OUTPUT, Data, TemplateFault, Work, as_text

# Name under which the work of one text stands among its values; a template cannot name it.
WORK: Final = "_work"


def work_of(context: Context) -> Work:
    """The work of the text that is being filled."""
    work: Work = context.parent[WORK]
    return work


@pass_context
def counted(context: Context, items: Any, weight: int) -> list[Any]:
    """The items of a loop whose body has `weight` nodes. Raises TemplateFault beyond the work allowed."""
    work = work_of(context)
    if isinstance(items, Undefined):
        record_missing(work, items)
        return []
    if not isinstance(items, dict | list | tuple):
        raise TemplateFault(f"a loop needs a list, not {as_text(items)[:40]!r}")
    work.charge((1 + len(items)) * weight)
    return list(items)


@pass_context
def holds(context: Context, container: Any, item: Any) -> bool:
    """Whether a list, text or object holds the item: the operator `in`."""
    work_of(context).charge_for(container)
    if isinstance(container, str):
        return isinstance(item, str) and item in container
    return isinstance(container, dict | list | tuple) and item in container


def record_missing(work: Work, value: Undefined) -> None:
    """Note the name of a missing value; an `if` without `else` has none."""
    name = value._undefined_name  # noqa: SLF001 - Jinja's subclasses read it; there is no other way
    if name is not None:
        work.missing.setdefault(str(name))


def _default(value: Any, instead: Any = "", only_false: bool = False) -> Any:
    return instead if isinstance(value, Undefined) or (only_false and not value) else value


def _join(items: Any, separator: str = "") -> str:
    pieces = [as_text(item) for item in items]
    if sum(map(len, pieces)) + len(pieces) * len(separator) > MAX_OUTPUT:
        raise TemplateFault(f"a joined list has more than {MAX_OUTPUT} characters")
    return str(separator).join(pieces)


def _items(value: Any) -> list[Any]:
    return [[key, item] for key, item in value.items()] if isinstance(value, Mapping) else []


def _first(value: Any) -> Any:
    return value[0] if value else ""


def _last(value: Any) -> Any:
    return value[-1] if value else ""


def _unique(items: Any) -> list[Any]:
    seen: dict[str, Any] = {}
    for item in items:
        seen.setdefault(as_text(item).lower(), item)
    return list(seen.values())


def _sort(items: Any, reverse: bool = False) -> list[Any]:
    are_numbers = all(isinstance(item, int | float) for item in items)
    key: Callable[[Any], Any] = (lambda item: item) if are_numbers else _sort_key
    return sorted(items, key=key, reverse=bool(reverse))


def _sort_key(item: Any) -> str:
    return as_text(item).lower()


def _number(value: Any) -> float:
    number = float(value)
    if number - number != 0:  # infinite, or not a number
        raise ValueError(f"{value} is no number that can be said")
    return number


def _whole(value: Any) -> int:
    return int(_number(value))


def _round(value: Any, digits: int = 0) -> float | int:
    rounded = round(_number(value), max(0, min(int(digits), 15)))
    return int(rounded) if not digits else rounded


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple | Data) else 0


def _of_text(change: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda value: change(as_text(value))


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, which counts its work and passes on a missing value."""

    @pass_context
    def guarded(context: Context, value: Any, *given: Any, **named: Any) -> Any:
        if isinstance(value, Undefined):
            return value
        work = work_of(context)
        for one in (value, *given, *named.values()):
            work.charge_for(one)
        return function(value, *given, **named)

    return guarded


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "default": _default,
    "d": _default,
    **{
        name: _guarded(function)
        for name, function in {
            "upper": _of_text(str.upper),
            "lower": _of_text(str.lower),
            "title": _of_text(str.title),
            "capitalize": _of_text(str.capitalize),
            "trim": _of_text(str.strip),
            "join": _join,
            "items": _items,
            "first": _first,
            "last": _last,
            "unique": _unique,
            "sort": _sort,
            "length": _length,
            "count": _length,
            "int": _whole,
            "float": _number,
            "round": _round,
            "abs": lambda value: abs(_number(value)),
        }.items()
    },
}
