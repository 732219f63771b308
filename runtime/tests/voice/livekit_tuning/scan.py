"""Finds the private names of LiveKit in the source of the runtime's modules.

A name is private when it, or a module on its path, begins with one underscore. It is LiveKit's when it is

- imported from `livekit` (`livekit.rtc._ffi_client.FfiClient`);
- an attribute of another object than `self`, in a module that imports `livekit`, also by `getattr` and the
  like (`FfiClient.instance._ffi_lib`); objects imported from elsewhere (`os._exit`) are not LiveKit's;
- an attribute of `self` in a class whose LiveKit base has an attribute of that name: used, overridden, or
  shadowed by accident (`STT._opts`, named after that base).
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Collection, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

LIVEKIT: Final = "livekit"
BY_NAME: Final = ("getattr", "hasattr", "setattr", "delattr")


def is_private(name: str) -> bool:
    """Return whether `name` begins with an underscore and is no special name such as `__init__`."""
    return name.startswith("_") and not name.endswith("__") and name != "_"


def private_names(package: Path) -> dict[str, set[str]]:
    """Return the private names of LiveKit by module, the module's path relative to `package`."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        path = file.relative_to(package.parent).with_suffix("")
        module = ".".join(path.parts)
        if names := names_in(ast.parse(file.read_text()), module):
            found[module.partition(".")[2]] = names
    return found


def names_in(tree: ast.Module, module: str | ModuleType) -> set[str]:
    """Return the private names of LiveKit in one module; it is imported if it has derived classes."""
    if not any(_imports(node) for node in ast.walk(tree)):
        return set()
    nodes = list(ast.walk(tree))
    names = {name for node in nodes for name in _imported(node)}
    foreign = {name for node in nodes for name in _foreign(node)}
    names |= {f"{owner}.{name}" for node in nodes for owner, name in _accessed(node, foreign)}
    derived = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.bases]
    if derived and isinstance(module, str):
        module = import_module(module)
    for node in derived:
        names |= set(_inherited(node, getattr(module, node.name)))
    return names


def _imports(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] == LIVEKIT
    return isinstance(node, ast.Import) and any(
        alias.name.split(".")[0] == LIVEKIT for alias in node.names
    )


def _imported(node: ast.AST) -> Iterator[str]:
    if not _imports(node):
        return
    prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    assert isinstance(node, ast.ImportFrom | ast.Import)
    for name in (f"{prefix}{alias.name}" for alias in node.names):
        if name.startswith(f"{LIVEKIT}.") and any(map(is_private, name.split("."))):
            yield name


def _foreign(node: ast.AST) -> Iterator[str]:
    """Yield the names that are imported from elsewhere than `livekit`."""
    if isinstance(node, ast.ImportFrom | ast.Import) and not _imports(node):
        for alias in node.names:
            yield (alias.asname or alias.name).split(".")[0]


def _accessed(node: ast.AST, foreign: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield owner and name of a private attribute, unless the owner is `self` or foreign."""
    owner: ast.expr
    if isinstance(node, ast.Attribute):
        owner, name = node.value, node.attr
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in BY_NAME:
        owner, constant, *_ = node.args
        name = str(constant.value) if isinstance(constant, ast.Constant) else ""
    else:
        return
    text = ast.unparse(owner)
    if is_private(name) and not _is_self(owner) and text.split(".")[0] not in foreign:
        yield text, name


def _is_self(node: ast.expr) -> bool:
    return ast.unparse(node) in ("self", "cls", "super()")


def _inherited(node: ast.ClassDef, built: type) -> Iterator[str]:
    """Yield the private attributes that a class shares with a LiveKit base, named after that base."""
    bases = [base for base in built.__mro__ if base.__module__.split(".")[0] == LIVEKIT]
    if not bases:
        return
    used = {inner.attr for inner in ast.walk(node) if _is_own_attribute(inner)}
    own = _defined(node)
    for name in filter(is_private, used | own):
        owner = next((base for base in bases if name in _attributes(base)), None)
        if owner is not None:
            yield f"{owner.__qualname__}.{name}"
        elif name not in own and not any(name in _attributes(base) for base in built.__mro__):
            yield f"{node.name}.{name}"  # which nothing defines


def _is_own_attribute(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and _is_self(node.value)


@cache
def _attributes(owner: type) -> frozenset[str]:
    """Return the names that a class defines itself: members, and attributes of `self` in its methods."""
    try:
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    except (OSError, TypeError):
        return frozenset(vars(owner))
    assert isinstance(node, ast.ClassDef)
    return frozenset(vars(owner)) | _defined(node)


def _defined(node: ast.ClassDef) -> set[str]:
    members = {
        inner.name
        for inner in node.body
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return members | {
        inner.attr if isinstance(inner, ast.Attribute) else inner.id
        for inner in ast.walk(node)
        if isinstance(inner, ast.Attribute | ast.Name) and isinstance(inner.ctx, ast.Store)
        if isinstance(inner, ast.Name) or _is_self(inner.value)
    }
