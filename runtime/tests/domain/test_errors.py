"""The tree of errors, as it is drawn and as it is."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path

import agent_runtime
from agent_runtime.domain import errors
from agent_runtime.domain.errors import AgentRuntimeError

PACKAGE = Path(agent_runtime.__file__).parent
DRAWN = re.compile(r"^[│├└─ ]* (\w+) ?\*? {1,}\S", re.MULTILINE)


def exceptions() -> Iterator[tuple[str, set[str]]]:
    """Every exception class of the package with the names of its bases, read from the source."""
    known = {
        name
        for name, one in vars(builtins).items()
        if isinstance(one, type) and issubclass(one, BaseException)
    }
    classes = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    found: set[str] = set()
    while new := {n for n, bases in classes.items() if bases & (known | found)} - found:
        found |= new
    return ((name, classes[name]) for name in found if not name.startswith("_"))


def test_every_error_of_the_package_is_in_the_drawn_tree() -> None:
    """A class that derives from any exception stands in the drawing, and the drawing has no other."""
    drawn = {match[1] for match in DRAWN.finditer(errors.__doc__ or "")} | {"AgentRuntimeError"}
    assert drawn == {name for name, _ in exceptions()}


def test_every_error_derives_from_ours() -> None:
    """No public exception derives from Python's own alone, but for the base of all of ours."""
    ours = {name for name, _ in exceptions()}
    roots = {name for name, bases in exceptions() if not bases & ours}
    assert roots == {"AgentRuntimeError"}


def test_every_error_says_when_it_is_raised() -> None:
    """The docstring of each error at the third level begins with the case it is raised for."""
    kinds = AgentRuntimeError.__subclasses__()
    for kind in kinds:
        assert kind.remedy, f"{kind.__name__} has no remedy"
        for one in kind.__subclasses__():
            assert (one.__doc__ or "").startswith("Raised "), one.__name__
