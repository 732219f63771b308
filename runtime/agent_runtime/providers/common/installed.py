"""Any other LiveKit plugin that is installed, as a provider: what its constructors take, read from source.

Reading the source loads nothing: importing a plugin costs the API up to 36 MB and, the first time, the
whole framework. Plugins follow one convention: `livekit/plugins/NAME/__init__.py` imports the classes STT,
LLM and TTS, and the constructor takes what may be configured.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, Union

from agent_runtime.providers.common.spec import ProviderSpec, Stage, StageSpec, Variable

# The classes of a plugin, by what they are for.
CLASSES: Final[Mapping[Stage, str]] = {Stage.STT: "STT", Stage.LLM: "LLM", Stage.TTS: "TTS"}
# Schemes of an address, where an agent may name one.
SCHEMES: Final = ("http", "https", "ws", "wss")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_KEY: Final = re.compile(r"""["']([A-Z][A-Z0-9_]*_(?:API_KEY|API_TOKEN|KEY|TOKEN))["']""")
# Arguments that name a machine to call or a file of the worker's: no agent may.
_RESERVED: Final = re.compile(
    r"(^|_)(url|uri|host|hostname|endpoint|proxy|server|file|path|dir|credentials)(_|$)"
)
_PLAIN: Final[Mapping[str, Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "Any": Any,
}
_DEEPEST: Final = 4  # modules between the package and the class


@dataclass(frozen=True, slots=True)
class Constructor:
    """What a class takes: options with their types, among them reserved ones, and objects of Python."""

    options: Mapping[str, Any]
    reserved: frozenset[str] = frozenset()
    objects: frozenset[str] = frozenset()
    key: str | None = None  # the variable that the module reads


@dataclass(frozen=True, slots=True)
class InstalledSpec(ProviderSpec):
    """The spec of a plugin that has no folder here."""

    module: str = ""
    constructors: Mapping[Stage, Constructor] = field(default_factory=dict)


def package_of(name: str) -> str:
    """The distribution that has the plugin, by convention."""
    return f"livekit-plugins-{name.replace('_', '-')}"


@cache
def installed_spec(name: str) -> InstalledSpec | None:
    """The spec of the plugin of this name; None when it is not installed, or serves no stage."""
    module = name.strip().lower().replace("-", "_")
    if _NAME.fullmatch(module) is None:
        return None
    folders = (Path(entry) / "livekit" / "plugins" / module for entry in sys.path)
    folder = next((one for one in folders if (one / "__init__.py").is_file()), None)
    if folder is None:
        return None
    found = {stage: _constructor(folder, kind) for stage, kind in CLASSES.items()}
    constructors = {stage: one for stage, one in found.items() if one is not None}
    if not constructors:
        return None
    keys = (one.key for one in constructors.values())
    key = next(filter(None, keys), f"{module.upper()}_API_KEY")
    title = module.replace("_", " ").title()
    guarded = all(
        "base_url" in one.reserved and "http_session" in one.objects
        for one in constructors.values()
    )
    return InstalledSpec(
        name=module,
        title=title,
        package=package_of(module),
        api_key=Variable(key, f"{title}'s key.", secret=True),
        base_url=Variable("", f"{title}'s address.", schemes=SCHEMES if guarded else ()),
        stages={stage: _stage_spec(one) for stage, one in constructors.items()},
        module=f"livekit.plugins.{module}",
        constructors=constructors,
    )


def _stage_spec(one: Constructor) -> StageSpec:
    def conflicts(_model: str | None, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for name in options.keys() & one.reserved:
            yield name, "names a machine or a file, which only the worker's environment may do"

    return StageSpec(
        model=Variable("", "The plugin's own default."),
        options=one.options,
        objects=one.objects,
        conflicts=conflicts,
    )


def _constructor(folder: Path, kind: str) -> Constructor | None:
    found = _class_in(folder / "__init__.py", kind, _DEEPEST)
    if found is None:
        return None
    path, node = found
    key = _KEY.search(path.read_text("utf-8"))
    options: dict[str, Any] = {}
    objects, reserved = set[str](), set[str]()
    for argument, default in _arguments(node):
        name = argument.arg
        annotation = argument.annotation
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            annotation = ast.parse(annotation.value, mode="eval").body
        read = _type(annotation) or _type_of_default(default)
        if read is None:
            objects.add(name)
            continue
        if _RESERVED.search(name):
            reserved.add(name)
        options[name] = read
    return Constructor(
        options, frozenset(reserved), frozenset(objects), None if key is None else key[1]
    )


def _class_in(path: Path, name: str, depth: int) -> tuple[Path, ast.ClassDef] | None:
    """The class of this name, in the module or where the module imports it from."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == name:
            return path, node
    for node in ast.walk(tree):
        if not (isinstance(node, ast.ImportFrom) and node.level == 1 and depth):
            continue
        for alias in node.names:
            if (alias.asname or alias.name) != name:
                continue
            target = path.parent.joinpath(*(node.module or "").split("."))
            for one in (target.with_suffix(".py"), target / "__init__.py"):
                if one.is_file() and one != path:
                    return _class_in(one, alias.name, depth - 1)
    return None


def _arguments(node: ast.ClassDef) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    functions = (one for one in node.body if isinstance(one, ast.FunctionDef))
    init = next((one for one in functions if one.name == "__init__"), None)
    if init is None:
        return
    given = init.args
    padding: list[ast.expr | None] = [None] * (len(given.args) - len(given.defaults))
    yield from list(zip(given.args, [*padding, *given.defaults], strict=True))[1:]
    yield from zip(given.kwonlyargs, given.kw_defaults, strict=True)


def _type(node: ast.expr | None) -> Any:
    """The type that an annotation stands for, as far as JSON can hold it; None where it cannot."""
    match node:
        case ast.Name(id=name) if name in _PLAIN:
            return _PLAIN[name]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union(_type(left), _type(right))
        case ast.Subscript(value=ast.Name(id="NotGivenOr" | "Optional"), slice=inner):
            return _type(inner)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            values = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            given = tuple(one.value for one in values if isinstance(one, ast.Constant))
            return Literal[given] if given else None
        case ast.Subscript(value=ast.Name(id="list" | "List"), slice=inner):
            kind = _type(inner)
            return None if kind is None else list[kind]  # type: ignore[valid-type]
        case ast.Subscript(value=ast.Name(id="dict" | "Dict")):
            return dict[str, Any]
    return None


def _union(*kinds: Any) -> Any:
    found = tuple(kind for kind in kinds if kind is not None)
    return Union[found] if found else None  # noqa: UP007 - of types that are known at run time alone


def _type_of_default(default: ast.expr | None) -> Any:
    """Of an alias, which is defined elsewhere: the type of the default value."""
    if isinstance(default, ast.Constant) and type(default.value) in (str, int, float, bool):
        return type(default.value)
    return None
