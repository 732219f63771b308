"""The sizes that CONTRIBUTING.md promises: small folders, modules that fit on a few screens."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("runtime", "contract", "e2e", "load", "fixtures")
# What Node.js installs beside the old service is no code of ours.
FOREIGN = {"node_modules", "__pycache__"}


def modules() -> Iterator[Path]:
    """Every Python file of the runtime and the harness."""
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if not FOREIGN & set(path.parts):
                yield path


def test_a_folder_has_at_most_12_modules() -> None:
    """A folder that grows beyond twelve modules is divided by subject."""
    sizes = Counter(path.parent.relative_to(ROOT).as_posix() for path in modules())
    assert {folder: size for folder, size in sizes.items() if size > 12} == {}


def test_a_module_has_at_most_300_lines() -> None:
    """A module of the product or the harness stays below 300 lines; tests may be longer."""
    sizes = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines())
        for path in modules()
        if "tests" not in path.parts
    }
    assert {name: size for name, size in sizes.items() if size > 300} == {}


def test_a_constructor_has_at_most_40_lines() -> None:
    """Whatever needs a longer `__init__` is two things; a package's `__init__.py` only hands names on."""
    long = []
    for path in modules():
        text = path.read_text()
        if path.name == "__init__.py" and len(text.splitlines()) > 40:
            long.append(path.relative_to(ROOT).as_posix())
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > 40:
                    long.append(f"{path.relative_to(ROOT).as_posix()}:{node.lineno}")
    assert long == []
