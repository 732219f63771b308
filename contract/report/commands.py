"""A minimal replay as shell commands: paste them with URL and KEY set, once for each service."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Sequence

from contract.corpus.frozen import RECORDED_KEY, Step
from contract.http.messages import Request
from contract.judge.comparison import Material

_SYMBOL = re.compile(r"<session-(\d+)>")
_AT_ONCE = " &"


def commands(material: Material, indexes: Sequence[int]) -> str:
    """A POSIX shell script; ids that the service makes up are read from its answers."""
    steps = {step.index: step for step in material.corpus.steps}
    used = {
        int(number)
        for index in indexes
        for number in _SYMBOL.findall(material.requests[index].target)
    }
    lines = ["# set URL (http://host:port) and KEY first; begin with a fresh service"]
    for index in indexes:
        step = steps[index]
        if step.before is not None:
            lines.append(f"# now: {step.before}")
        lines.append(f"# step {index}, {step.source}")
        lines.append(_line(material.requests[index], step, learn=index in used))
    if any(steps[index].together for index in indexes):
        lines.append("wait")
    return "\n".join(lines)


def _line(request: Request, step: Step, *, learn: bool) -> str:
    command = _curl(request)
    if learn:
        pattern = r"""sed -n 's/.*"sessionId":"\([^"]*\)".*/\1/p'"""
        return f'SESSION_{step.index}=$({command} | {pattern}); echo "$SESSION_{step.index}"'
    return command + _AT_ONCE if step.together else command


def _curl(request: Request) -> str:
    parts = ["curl -sS -i --path-as-is" if request.method != "HEAD" else "curl -sS -I"]
    if request.method not in ("GET", "HEAD"):
        parts.append(f"-X {shlex.quote(request.method)}")
    for name, value in request.headers:
        if name.lower() in ("host", "content-length", "transfer-encoding"):
            continue
        # `Name;` is how curl is told to send a header without a value.
        header = f"{name}: {value}" if value else f"{name};"
        parts.append("-H " + _with_key(header))
    url = _SYMBOL.sub(r"'$SESSION_\1'", shlex.quote(request.target).strip("'"))
    parts.append(f"\"$URL\"'{url}'")
    return _with_body(" ".join(parts), request.body)


def _with_key(text: str) -> str:
    return shlex.quote(text).replace(RECORDED_KEY, "'\"$KEY\"'")


def _with_body(command: str, body: bytes) -> str:
    if not body:
        return command
    if len(body) > 4096:
        return f"{command} --data-binary @-  # a body of {len(body)} bytes, in the corpus' HAR"
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        packed = base64.b64encode(body).decode()
        return f"printf %s {packed} | base64 -d | {command} --data-binary @-"
    return f"{command} --data-binary {shlex.quote(text)}"
