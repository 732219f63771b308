"""Requests beside the documented ones: parents, siblings and synonyms of paths, with every method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from contract.api.specification import Specification
from contract.http.messages import RECORDED_KEY, Request
from contract.record.lists import read

_KEYED = (("Authorization", f"Bearer {RECORDED_KEY}"), ("Accept", "*/*"))
_OPEN = (("Accept", "*/*"),)


def beside(
    spec: Specification, own: frozenset[str], values: Mapping[str, str]
) -> Iterator[tuple[str, Request]]:
    """Requests for paths of paths.yaml, named by method and path.

    `own` are the paths that only the new service has, `values` stand for the parameters of templates.
    """
    templates = list(dict.fromkeys(name.split(" ")[1] for name in spec.operations))
    documented = {_filled(template, values) for template in templates}
    found: dict[str, None] = {}
    for template in templates:
        for path in _neighbours(_filled(template, values)):
            found[path] = None
    for path in read("paths")["fixed"]:
        found[path] = None
    for path in found:
        if path in documented or any(path == one or path.startswith(f"{one}/") for one in own):
            continue
        known = any(path.lower() == other.lower() for other in documented)
        for method in read("paths")["methods"] if _is_parent(path, documented) else ("GET", "POST"):
            yield f"{method} {path}", Request(method, path, _with_length(_KEYED, method))
        if not known:
            yield f"GET {path} without key", Request("GET", path, _OPEN)


def _neighbours(path: str) -> Iterator[str]:
    given = read("paths")
    words = path.split("/")[1:]
    for count in range(1, len(words)):
        yield "/" + "/".join(words[:count])
        yield "/" + "/".join(words[:count]) + "/"
    for number, word in enumerate(words):
        for other in given["words"].get(word, ()):
            yield "/" + "/".join([*words[:number], other, *words[number + 1 :]])
    for tail in given["tails"]:
        yield path + tail
    for head in given["heads"]:
        yield head + path
    if len(words) > 1:
        yield "/" + "/".join(words[1:])
        yield "/" + "/".join(reversed(words))


def _is_parent(path: str, documented: set[str]) -> bool:
    return any(other.startswith(path.rstrip("/") + "/") for other in documented)


def _filled(template: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def _with_length(headers: tuple[tuple[str, str], ...], method: str) -> tuple[tuple[str, str], ...]:
    return (*headers, ("Content-Length", "0")) if method in ("POST", "PUT", "PATCH") else headers
