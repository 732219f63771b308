"""The values of a configuration that are secrets, by the names of their keys (`secrecy/names.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from agent_runtime.secrecy.names import holds_secrets, is_secret

# Stands in place of a secret that is not shown. A configuration that holds it cannot be registered.
HIDDEN: Final = "***"

Path = tuple[str | int, ...]


def secrets_in(given: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Path and value of each secret, at every level."""
    inner: Any = ()
    if isinstance(given, Mapping):
        inner = given.items()
    elif isinstance(given, list):
        inner = enumerate(given)
    for key, value in inner:
        here = (*path, key)
        if isinstance(value, str) and value and _is_secret(here):
            yield here, value
        else:
            yield from secrets_in(value, here)


def without_secrets(given: Any, shown: frozenset[str] = frozenset(), path: Path = ()) -> Any:
    """The same value with `HIDDEN` in place of each secret, except those whose dotted paths are `shown`."""
    if isinstance(given, Mapping):
        return {key: without_secrets(one, shown, (*path, key)) for key, one in given.items()}
    if isinstance(given, list):
        return [without_secrets(one, shown, (*path, number)) for number, one in enumerate(given)]
    if isinstance(given, str) and given and _is_secret(path):
        return given if ".".join(map(str, path)) in shown else HIDDEN
    return given


def _is_secret(path: Path) -> bool:
    """Whether a value at the end of the path is one: its key, or an object around it, has such a name."""
    names = [part for part in path if isinstance(part, str)]
    if any(holds_secrets(name) for name in names[:-1]):
        return True
    return bool(names) and is_secret(names[-1])
