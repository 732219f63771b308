"""The values of a configuration that are secrets, by the names of their keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

# Stands in place of a secret that is not shown. A configuration that holds it cannot be registered.
HIDDEN: Final = "***"
_SECRET: Final = re.compile(
    r"(api|private|secret|access|auth)[_-]?key|secret|token$|password|passwd|credential|cookie|^authorization$",
    re.IGNORECASE,
)
# Objects whose values may all be secrets: what goes with requests.
_HEADERS: Final = "headers"

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
    if len(path) > 1 and str(path[-2]).lower() == _HEADERS:
        return True
    return bool(path) and bool(_SECRET.search(str(path[-1])))
