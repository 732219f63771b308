"""A shortest replay as shell commands, to paste with URL and KEY set, once for each service."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Sequence
from typing import Final

from contract.http.messages import RECORDED_KEY, Request
from contract.judge.material import Material

_AT_ONCE: Final = " &"
_LARGE: Final = 4096  # bytes of a body; a larger one is not pasted


def commands(material: Material, indexes: Sequence[int]) -> str:
    """A POSIX shell script; it reads generated ids from the service's answers."""
    steps = {step.index: step for step in material.corpus.steps}
    symbols = _Symbols(material)
    used = {n for index in indexes for n in symbols.steps_in(material.requests[index].target)}
    lines = ["# set URL (http://host:port) and KEY first; begin with a fresh service"]
    for index in indexes:
        step = steps[index]
        if step.before is not None:
            lines.append(f"# now: {step.before}")
        lines.append(f"# step {index}, {step.source}")
        request = material.requests[index]
        if len(request.content) > _LARGE:
            lines.append(f"# its {len(request.content)} bytes, on standard input, are in the HAR")
        command = _curl(request, symbols)
        if index in used:
            command = symbols.learning(command, index)
        elif step.together:
            command += _AT_ONCE
        lines.append(command)
    if any(steps[index].together for index in indexes):
        lines.append("wait")
    return "\n".join(lines)


class _Symbols:
    """Shell variables for generated ids: `$SESSION_12` for `<session-12>`."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._symbol = material.api.profile.ids.symbol
        self._pattern = re.compile(rf"<{re.escape(self._symbol)}-(\d+)>")

    def steps_in(self, text: str) -> list[int]:
        """The steps whose ids a text contains."""
        return [int(number) for number in self._pattern.findall(text)]

    def as_variables(self, quoted: str) -> str:
        """The inside of a single-quoted text with variables in place of symbols."""
        return self._pattern.sub(rf"'${self._symbol.upper()}_\1'", quoted)

    def learning(self, command: str, step: int) -> str:
        """The command, with the id of its answer put into the step's variable."""
        case = self._material.matches[step].name
        spec = self._material.api.spec
        pointers = (
            at
            for (name, status) in spec.typed_places
            if name == case
            if (at := spec.new_id_pointer(name, status)) is not None
        )
        key = next(pointers, "/id").rpartition("/")[2]
        pattern = rf"""sed -n 's/.*"{key}":"\([^"]*\)".*/\1/p'"""
        variable = f"{self._symbol.upper()}_{step}"
        return f'{variable}=$({command} | {pattern}); echo "${variable}"'


def _curl(request: Request, symbols: _Symbols) -> str:
    # Without -g curl takes brackets of the URL for a pattern.
    parts = ["curl -sS -g --path-as-is", _method(request)]
    for name, value in request.headers:
        if name.lower() in ("host", "content-length"):
            continue
        # curl sends a header without a value for `Name;`.
        header = f"{name}: {value}" if value else f"{name};"
        parts.append("-H " + _with_key(header))
    if request.body and request.header("content-type") is None:
        parts.append("-H 'Content-Type:'")  # or curl adds one for forms
    url = symbols.as_variables(request.target.replace("'", "'\"'\"'"))
    parts.append(f"\"$URL\"'{url}'")
    return _with_body(" ".join(parts), request.content)


def _method(request: Request) -> str:
    if request.method == "HEAD":
        # -I allows no body; without it curl waits for the announced body, in vain.
        return "-i -m 5 -X HEAD" if request.body else "-I"
    if request.method == "GET" and not request.body:
        return "-i"
    return f"-i -X {shlex.quote(request.method)}"


def _with_key(text: str) -> str:
    return shlex.quote(text).replace(RECORDED_KEY, "'\"$KEY\"'")


def _with_body(command: str, body: bytes) -> str:
    """The command with its body; chunks are curl's own, a large body comes from standard input."""
    if not body:
        return command
    if len(body) > _LARGE:
        return f"{command} --data-binary @-"
    if not body.isascii() or b"\0" in body:
        packed = base64.b64encode(body).decode()
        return f"printf %s {packed} | base64 -d | {command} --data-binary @-"
    return f"{command} --data-raw {shlex.quote(body.decode())}"
