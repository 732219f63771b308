"""Checks an agent's tools: names, schemas, and whether somebody answers them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.tools.definition import BUILTINS, NAME, Tool
from agent_runtime.agents.tools.schemas import schema_issues
from agent_runtime.domain.errors import ConfigIssue

# Headers that the runtime sets itself, or that frame the request.
RESERVED: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "idempotency-key"}
    | {"content-type", "accept-encoding", "upgrade"}
)
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def tool_issues(config: AgentConfig) -> Iterator[ConfigIssue]:
    """Yield a fault for each tool that no call could have; paths begin with `tools`."""
    first: dict[str, int] = {}
    for number, tool in enumerate(config.tools):
        path = ("tools", number)
        if first.setdefault(tool.name, number) != number:
            message = f"is the name of tools.{first[tool.name]}, too; each tool needs its own"
            yield ConfigIssue((*path, "name"), message)
        if tool.enabled:
            for issue in _issues(tool):
                yield ConfigIssue((*path, *issue.path), issue.message)


def _issues(tool: Tool) -> Iterator[ConfigIssue]:
    if not NAME.fullmatch(tool.name):
        yield ConfigIssue(("name",), "must have 1 to 64 letters, digits, _ and - only")
    if tool.server is None:
        yield from _without_server(tool)
        return
    if tool.name in BUILTINS:
        yield ConfigIssue(("name",), "is that of a built-in tool; give it another one")
    for issue in schema_issues(tool.parameters or {}):
        yield ConfigIssue(("parameters", *issue.path), issue.message)
    for name, text in tool.server.headers.items():
        if name.lower() in RESERVED:
            yield ConfigIssue(("server", "headers", name), "is set by the runtime; leave it out")
        elif not _HEADER.fullmatch(name) or not text.isascii() or not text.isprintable():
            message = "must be a header: a name of HTTP, and visible ASCII"
            yield ConfigIssue(("server", "headers", name), message)


def _without_server(tool: Tool) -> Iterator[ConfigIssue]:
    """The faults of a built-in tool, and of one whose server was forgotten. A bare name gets a warning."""
    given = [key for key in ("parameters", "bound") if getattr(tool, key)]
    if tool.is_known:
        for key in given:
            yield ConfigIssue((key,), "is fixed for a built-in tool; leave it out")
    elif given:
        message = f"is needed, since the tool is none of the built-in ones: {', '.join(BUILTINS)}"
        yield ConfigIssue(("server",), message)
