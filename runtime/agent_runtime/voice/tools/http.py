"""Tools that an HTTP server answers, called through egress."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from agent_runtime.agents.tools import Tool
from agent_runtime.domain.errors import Unavailable
from agent_runtime.egress.aiohttp_session import guarded_session
from agent_runtime.egress.policy import EgressPolicy, Guard
from agent_runtime.egress.urls import EgressRefused, read
from agent_runtime.voice.tools.results import LONGEST, as_text, canonical, fenced

# Bytes of a response that are read: enough for the longest result in any script.
READ: Final = 4 * LONGEST
LONGEST_ERROR: Final = 500
_WITHOUT_BODY: Final = ("GET", "DELETE")


class ToolFailed(Unavailable):
    """Raised when a tool did not do what it should; the text is for the model."""


def idempotency_key(session_id: str, turn: int, tool: str, arguments: Mapping[str, Any]) -> str:
    """The same key for the same call of a session's turn, also when another process repeats it."""
    text = canonical([session_id, turn, tool, arguments])
    return hashlib.sha256(text.encode()).hexdigest()


async def call_http(
    tool: Tool, arguments: Mapping[str, Any], key: str, policy: EgressPolicy
) -> str:
    """Call the tool's server. Raises ToolFailed, or TimeoutError when the caller's limit is over."""
    server = tool.server
    if server is None:
        raise ToolFailed("the tool has no server")
    try:
        target = read(server.url)
        policy.check(target)
    except EgressRefused as error:
        raise ToolFailed("the tool's server may not be called") from error
    headers = {
        **server.headers,
        "Accept": "application/json, text/plain",
        "Accept-Encoding": "identity",
        "Idempotency-Key": key,
    }
    request: dict[str, Any] = {"headers": headers}
    if server.method in _WITHOUT_BODY:
        request["params"] = {name: as_text(value) for name, value in arguments.items()}
    else:
        headers["Content-Type"] = "application/json"
        request["data"] = canonical(arguments).encode()
    try:
        async with (
            guarded_session(Guard(target, policy)) as session,
            session.request(server.method, target.url, **request) as response,
        ):
            return _result(response, await _body(response))
    except aiohttp.ClientError as error:
        # The error may quote the address, which is no business of the model.
        raise ToolFailed(f"its server could not be reached ({type(error).__name__})") from error


async def _body(response: aiohttp.ClientResponse) -> str:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ToolFailed("its answer is compressed, which was not asked for")
    found = bytearray()
    async for chunk in response.content.iter_chunked(READ):
        found += chunk
        if len(found) > READ:
            break
    return bytes(found[:READ]).decode("utf-8", "replace")


def _result(response: aiohttp.ClientResponse, text: str) -> str:
    if response.content_type == "text/html" or text.lstrip()[:15].lower().startswith(
        ("<!doctype html", "<html")
    ):
        raise ToolFailed(f"its server answered with a web page (status {response.status})")
    if response.status >= 400:
        raise ToolFailed(f"status {response.status}\n{fenced(text, LONGEST_ERROR)}")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return as_text(value)
