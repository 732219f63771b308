"""A tool as a configuration defines it: OpenAI's function form, and around it what is called and said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, StrictBool

from agent_runtime.agents.fields import Section, Text, WholeNumber, null_is

MAX_TOOLS: Final = 64
# Seconds that a tool may take, unless its server says otherwise, and at most.
TIMEOUT: Final = 20.0
LONGEST_TIMEOUT: Final = 120.0
# Milliseconds after which `messages.delayed` is spoken.
DELAYED_AFTER: Final = 1500
# Names that every provider of language models takes.
NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
# The tools that need no server, with the names that other platforms have for them.
BUILTINS: Final = (
    "end_call",
    "get_current_time",
    "get_timezones_for_region",
    "get_time_difference",
)
_OTHER_NAMES: Final = {"endCall": "end_call"}
# Vapi's messages: their types, and the keys here.
_MESSAGE_TYPES: Final = {
    "request-start": "started",
    "request-response-delayed": "delayed",
    "request-failed": "failed",
    "request-complete": "completed",
}


def _method(value: object) -> object:
    if value is None:
        return "POST"
    if isinstance(value, str) and value.upper() in METHODS:
        return value.upper()
    raise ValueError(f"is none of {', '.join(METHODS)}")


def _messages(given: object) -> object:
    """The messages of this form; a list is Vapi's. Its further kinds of messages are left out."""
    if not isinstance(given, list):
        return {} if given is None else given
    found: dict[str, Any] = {}
    for one in given:
        if not isinstance(one, Mapping):
            raise ValueError("must be a list of objects, or an object")  # noqa: TRY004
        key = _MESSAGE_TYPES.get(str(one.get("type")))
        if key is not None and one.get("content") is not None:
            found.setdefault(key, one["content"])
            if key == "delayed" and one.get("timingMilliseconds") is not None:
                found["delayedAfterMs"] = one["timingMilliseconds"]
    return found


def flat(given: object) -> object:
    """A tool by its bare name, and the forms of OpenAI and Vapi, as an object of this form."""
    if isinstance(given, str):
        return {"name": given}
    if not isinstance(given, Mapping):
        raise ValueError("must be the name of a built-in tool, or a JSON object")  # noqa: TRY004
    tool = {key: value for key, value in given.items() if key != "function"}
    function = given.get("function")
    if isinstance(function, Mapping):
        tool |= function
    spec = tool.pop("api_spec", None)
    if isinstance(spec, Mapping) and tool.get("server") is None:
        tool |= _of_api_spec(spec, tool)
    if "name" not in tool and (name := _OTHER_NAMES.get(str(tool.get("type")))):
        tool["name"] = name
    return tool


def _of_api_spec(spec: Mapping[str, Any], tool: Mapping[str, Any]) -> dict[str, Any]:
    """The request of the file form. A body that is a JSON Schema has the parameters, another is bound."""
    found: dict[str, Any] = {"server": {key: one for key, one in spec.items() if key != "body"}}
    body = spec.get("body")
    if isinstance(body, Mapping) and body:
        is_schema = body.get("type") == "object" and isinstance(body.get("properties"), Mapping)
        key = "parameters" if is_schema else "bound"
        if tool.get(key) is None:
            found[key] = dict(body)
    return found


class ToolServer(Section):
    """The HTTP endpoint that a tool calls."""

    url: str = Field(min_length=1)
    method: Annotated[str, BeforeValidator(_method)] = "POST"
    headers: Annotated[dict[str, str], null_is({})] = Field(default_factory=dict, repr=False)
    timeout_seconds: Annotated[float, null_is(TIMEOUT)] = Field(TIMEOUT, ge=0.1, le=LONGEST_TIMEOUT)


class ToolMessages(Section):
    """What the caller hears while a tool runs, and what the model is asked to say after it."""

    started: Text = Field(None, max_length=500)
    delayed: Text = Field(None, max_length=500)
    delayed_after_ms: Annotated[WholeNumber, null_is(DELAYED_AFTER)] = Field(
        DELAYED_AFTER, ge=100, le=60_000
    )
    failed: Text = Field(None, max_length=500)
    completed: Text = Field(None, max_length=500)


class Tool(Section):
    """A tool that the model may call. Without a server it is one of the built-in tools."""

    name: str = Field(min_length=1, max_length=128)
    description: Annotated[str, null_is("")] = Field("", max_length=4096)
    parameters: dict[str, Any] | None = None
    server: ToolServer | None = None
    enabled: Annotated[StrictBool, null_is(default=True)] = True
    messages: Annotated[ToolMessages, BeforeValidator(_messages)] = Field(
        default_factory=ToolMessages
    )
    # Values that the model neither sees nor overrides. Texts may hold variables.
    bound: Annotated[dict[str, Any], null_is({})] = Field(default_factory=dict, max_length=64)

    @property
    def is_known(self) -> bool:
        """Whether somebody answers the tool; a bare name may be that of a tool that is not there."""
        return self.server is not None or self.name in BUILTINS

    @property
    def shown_parameters(self) -> dict[str, Any]:
        """The schema as the model sees it: without the bound parameters."""
        schema = dict(self.parameters or {"type": "object", "properties": {}})
        properties = schema.get("properties", {})
        schema["properties"] = {
            name: one for name, one in properties.items() if name not in self.bound
        }
        if "required" in schema:
            schema["required"] = [name for name in schema["required"] if name not in self.bound]
        return schema


def tools_of(given: Sequence[Tool], *, with_defaults: bool | None) -> list[Tool]:
    """The tools that a call has: the enabled ones, and with defaults those that are always there."""
    named = {one.name for one in given}
    found = [one for one in given if one.enabled and one.is_known]
    if with_defaults:
        found += [Tool(name=name) for name in BUILTINS if name not in named]
    return found
