"""The part of Jinja's language that templates may use, and their compilation.

A template can neither call, assign, define nor include, nor reckon: what it does takes a bounded time and
memory, whatever it holds. Loops are counted while they run (`filters.counted`). Jinja's sandbox stands
behind that list of what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, cast

from jinja2 import Template, TemplateSyntaxError, Undefined, nodes, pass_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from jinja2.visitor import NodeTransformer

from agent_runtime.text.variables.filters import FILTERS, counted, holds, record_missing, work_of
from agent_runtime.text.variables.values import HOLE, Data, as_text

# Bounds of one template: its characters, its variables and blocks, the levels of its loops and of any
# nesting. They are far above every template in the field, and keep compilation below 0.1 s.
MAX_TEMPLATE: Final = 100_000
MAX_MARKS: Final = 400
MAX_NODES: Final = 4_000
MAX_LOOPS: Final = 4
MAX_NESTING: Final = 40
# Compiled templates that a process keeps.
KEPT: Final = 128

_COUNTED: Final = "_counted"
_HOLDS: Final = "_holds"
_ALLOWED: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Keyword,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.CondExpr,
    nodes.For,
    nodes.If,
)
_TESTS: Final = frozenset(
    {
        *("defined", "undefined", "none", "string", "number", "integer", "mapping", "boolean"),
        *("true", "false", "odd", "even", "divisibleby", "lower", "upper"),
        *("eq", "equalto", "==", "ne", "!=", "lt", "<", "gt", ">", "le", "<=", "ge", ">="),
    }
)
_LOOP: Final = frozenset({"index", "index0", "revindex", "first", "last", "length"})


class _Values(Context):
    """Finds a variable whatever its letter case and low lines."""

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        values: Data = self.parent["_values"]
        value = values.find(key)
        return missing if value is None else value


class _Language(ImmutableSandboxedEnvironment):
    """Reads members of plain data only, so that no attribute of a Python object can be reached."""

    context_class = _Values

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return the member of an object, or a number of the loop."""
        return self._member(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return the member of an object, or the item of a list."""
        return self._member(obj, argument)

    def _member(self, obj: Any, name: Any) -> Any:
        if isinstance(obj, Undefined):
            return self.undefined(name=f"{obj._undefined_name}.{name}")  # noqa: SLF001 - as in filters.py
        if isinstance(obj, LoopContext):
            return getattr(obj, name) if name in _LOOP else self.undefined(name=f"loop.{name}")
        if isinstance(obj, Data) and isinstance(name, str):
            value = obj.find(name)
            path = f"{obj.path}.{name}" if obj.path else name
            return self.undefined(name=path) if value is None else value
        if isinstance(obj, list | tuple) and isinstance(name, int) and -len(obj) <= name < len(obj):
            return self.undefined(name=str(name)) if obj[name] is None else obj[name]
        return self.undefined(name=str(name))


def _finalize(context: Context, value: Any) -> str:
    work = work_of(context)
    if isinstance(value, Undefined):
        record_missing(work, value)
        return HOLE if value._undefined_name is not None else ""  # noqa: SLF001 - as in filters.py
    work.charge_for(value)
    return as_text(value)


def _environment() -> _Language:
    environment = _Language(
        finalize=pass_context(_finalize),
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=0,
    )
    environment.globals.clear()
    environment.filters = {**FILTERS, _COUNTED: counted, _HOLDS: holds}
    environment.tests = {name: test for name, test in environment.tests.items() if name in _TESTS}
    return environment


_ENVIRONMENT: Final = _environment()


@lru_cache(maxsize=KEPT)
def compiled(text: str) -> Template | str:
    """The template, or why the text is none."""
    if len(text) > MAX_TEMPLATE:
        return f"it has more than {MAX_TEMPLATE} characters"
    if text.count("{{") + text.count("{%") > MAX_MARKS:
        return f"it has more than {MAX_MARKS} variables and blocks"
    try:
        tree = _ENVIRONMENT.parse(text)
        _check(tree)
        code = _ENVIRONMENT.compile(tree)
    except _RefusedError as refused:
        return str(refused)
    except TemplateSyntaxError as error:
        return f"line {error.lineno}: {error.message}"
    except (RecursionError, ValueError, ArithmeticError, SyntaxError, MemoryError, OverflowError):
        return "it is nested too deeply, or holds a number that is too long"
    return Template.from_code(_ENVIRONMENT, code, {})


class _RefusedError(ValueError):
    """A template uses what templates may not use."""


def _check(tree: nodes.Template) -> None:
    """Refuse what is not allowed, and have loops and `in` counted."""
    for number, (node, depth, loops) in enumerate(_walk(tree)):
        if number > MAX_NODES or depth > MAX_NESTING or loops > MAX_LOOPS:
            raise _RefusedError(f"line {node.lineno}: it is too large, or nested too deeply")
        _check_node(node)
    for loop in tree.find_all(nodes.For):
        weight = nodes.Const(1 + sum(1 for _ in loop.find_all(nodes.Node)))
        loop.iter = _filter(loop, loop.iter, _COUNTED, weight)
    _InCounted().visit(tree)


def _check_node(node: nodes.Node) -> None:
    where = f"line {node.lineno}"
    if not isinstance(node, _ALLOWED):
        raise _RefusedError(f"{where}: templates cannot use {type(node).__name__.lower()}")
    match node:
        case nodes.Name(name=name) if name.startswith("_"):
            raise _RefusedError(f"{where}: no variable's name begins with _")
        case nodes.Getattr(attr=name) if name.startswith("_"):
            raise _RefusedError(f"{where}: no variable's name begins with _")
        case nodes.Filter(name=name) if name not in FILTERS:
            raise _RefusedError(
                f"{where}: there is no filter {name}; use {', '.join(sorted(FILTERS))}"
            )
        case (
            nodes.Filter(dyn_args=None, dyn_kwargs=None)
            | nodes.Test(dyn_args=None, dyn_kwargs=None)
        ):
            pass
        case nodes.Filter() | nodes.Test():
            raise _RefusedError(f"{where}: a filter takes its arguments one by one")
        case nodes.For(recursive=True):
            raise _RefusedError(f"{where}: a loop cannot be recursive")
        case nodes.Compare(ops=ops) if len(ops) > 1 and any(op.op in ("in", "notin") for op in ops):
            raise _RefusedError(f"{where}: write `in` as a comparison of its own")
    if isinstance(node, nodes.Test) and node.name not in _TESTS:
        raise _RefusedError(f"{where}: there is no test {node.name}")


def _walk(
    node: nodes.Node, depth: int = 0, loops: int = 0
) -> Iterator[tuple[nodes.Node, int, int]]:
    """Every node with the levels that it is nested in, without recursion of Python's."""
    waiting = [(node, depth, loops)]
    while waiting:
        node, depth, loops = waiting.pop()
        yield node, depth, loops
        inside = loops + isinstance(node, nodes.For)
        waiting.extend((child, depth + 1, inside) for child in node.iter_child_nodes())


def _filter(of: nodes.Node, value: nodes.Node, name: str, argument: nodes.Expr) -> nodes.Filter:
    found = nodes.Filter(cast("nodes.Expr", value), name, [argument], [], None, None)
    found.set_lineno(of.lineno or 1)
    found.set_environment(_ENVIRONMENT)
    return found


class _InCounted(NodeTransformer):
    """Replaces `a in b` by the filter that counts its work."""

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802 - Jinja's name
        """Return the comparison, or the filter in its place."""
        self.generic_visit(node)
        operand = node.ops[0]
        if operand.op not in ("in", "notin"):
            return node
        found = _filter(node, operand.expr, _HOLDS, node.expr)
        if operand.op == "in":
            return found
        negated = nodes.Not(found)
        negated.set_lineno(node.lineno or 1)
        negated.set_environment(_ENVIRONMENT)
        return negated
