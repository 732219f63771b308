"""What a configuration may say about tools, in both forms that people write."""

from __future__ import annotations

from typing import Any

import pytest

from agent_runtime.agents import parse_registered
from agent_runtime.agents.checks.addresses import check_addresses
from agent_runtime.agents.checks.effects import without_effect
from agent_runtime.agents.forms.any_form import read
from agent_runtime.agents.forms.file import to_file
from agent_runtime.agents.tools import BUILTINS
from agent_runtime.domain.errors import InvalidAgentConfig
from agent_runtime.settings import Settings

SERVER = {"url": "https://tools.example.org/book"}
BOOK = {"name": "book", "server": SERVER}


def refused(config: dict[str, Any]) -> dict[str, str]:
    """The faults of a registration by their paths."""
    settings = Settings.load({})
    with pytest.raises(InvalidAgentConfig) as error:
        check_addresses(
            parse_registered(config), settings.providers.defaults(settings.egress.policy())
        )
    return {".".join(map(str, one.path)): one.message for one in error.value.issues}


@pytest.mark.parametrize(
    ("tools", "path", "words"),
    [
        ([BOOK, BOOK], "tools.1.name", "tools.0"),
        (["end_call", {"name": "end_call"}], "tools.1.name", "tools.0"),
        ([{**BOOK, "name": f"t{number}"} for number in range(65)], "tools", "64"),
        ([{"name": "a b", "server": SERVER}], "tools.0.name", "letters"),
        ([{"server": SERVER}], "tools.0.name", "required"),
        ([3], "tools.0", "object"),
        ([{"name": "x", "parameters": {"type": "object"}}], "tools.0.server", "needed"),
        ([{"name": "end_call", "bound": {"a": 1}}], "tools.0.bound", "built-in"),
        ([{"name": "end_call", "server": SERVER}], "tools.0.name", "built-in"),
        ([{**BOOK, "parameters": {"type": "array"}}], "tools.0.parameters.type", "object"),
        ([{"name": "b", "server": {"url": "http://x.org"}}], "tools.0.server.url", "https"),
        ([{"name": "b", "server": {"url": "https://10.0.0.1"}}], "tools.0.server.url", "public"),
        ([{"name": "b", "server": {"url": "https://x.org?a=1"}}], "tools.0.server.url", "query"),
        ([{"name": "b", "server": {**SERVER, "method": "BREW"}}], "tools.0.server.method", "PUT"),
        ([{"name": "b", "server": {**SERVER, "timeoutSeconds": 500}}],
         "tools.0.server.timeoutSeconds", "120"),
        ([{"name": "b", "server": {**SERVER, "headers": {"Host": "x"}}}],
         "tools.0.server.headers.Host", "runtime"),
        ([{"name": "b", "server": {**SERVER, "headers": {"X": "a\r\nb"}}}],
         "tools.0.server.headers.X", "ASCII"),
        ([{**BOOK, "messages": {"delayedAfterMs": 1}}], "tools.0.messages.delayedAfterMs", "100"),
        ([{**BOOK, "messages": ["x"]}], "tools.0.messages", "objects"),
    ],
)  # fmt: skip
def test_what_no_call_could_use_is_refused(tools: list[Any], path: str, words: str) -> None:
    """Each with its path and a remedy."""
    found = refused({"tools": tools})
    assert words in found[path]


def test_the_forms_of_other_platforms_are_the_same_tool() -> None:
    """OpenAI's, Vapi's and the file form's become one definition."""
    schema = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}
    function = {"name": "book", "description": "Books", "parameters": schema}
    forms: list[dict[str, Any]] = [
        {**function, "server": SERVER, "messages": {"delayed": "Wait.", "delayedAfterMs": 900}},
        {
            "type": "function",
            "function": function,
            "server": SERVER,
            "messages": [
                {
                    "type": "request-response-delayed",
                    "content": "Wait.",
                    "timingMilliseconds": 900,
                },
                {"type": "other", "content": "x"},
            ],
        },
        {
            "name": "book",
            "description": "Books",
            "type": "webhook",
            "api_spec": {**SERVER, "body": schema},
            "messages": {"delayed": "Wait.", "delayedAfterMs": 900},
        },
    ]
    found = [parse_registered({"tools": [form]}).call_tools[0] for form in forms]
    for tool in found:
        assert (tool.name, tool.description, tool.parameters) == ("book", "Books", schema)
        assert tool.server is not None
        assert (tool.server.url, tool.server.method) == (SERVER["url"], "POST")
        assert (tool.messages.delayed, tool.messages.delayed_after_ms) == ("Wait.", 900)
    assert parse_registered({"tools": [{"type": "endCall"}]}).call_tools[0].name == "end_call"


def test_bound_parameters_are_not_shown() -> None:
    """The model's schema lacks them, also where the given one requires them."""
    schema = {
        "type": "object",
        "properties": {"day": {"type": "string"}, "customer": {"type": "string"}},
        "required": ["day", "customer"],
    }
    tool = {**BOOK, "parameters": schema, "bound": {"customer": "{{ customer_id }}"}}
    shown = parse_registered({"tools": [tool]}).call_tools[0].shown_parameters
    assert (list(shown["properties"]), shown["required"]) == (["day"], ["day"])


def test_who_has_the_built_in_tools() -> None:
    """A registered agent only those that it names; a file all of them, unless it says otherwise."""
    assert parse_registered({}).call_tools == []
    file = read({"name": "x", "tools": [{"name": "end_call", "enabled": False}]})
    assert [one.name for one in parse_registered(file.config).call_tools] == [*BUILTINS[1:]]
    assert parse_registered(read({"default_tools": False}).config).call_tools == []
    assert to_file({"tools": ["end_call"]})["default_tools"] is False
    assert "default_tools" not in to_file(read({"name": "x"}).config)


def test_a_name_that_nobody_answers_is_a_warning() -> None:
    """In both forms, since files in the field hold such names."""
    assert [one.partition(":")[0] for one in without_effect({"tools": ["lookup"]})] == ["tools.0"]
    document = read({"name": "x", "tools": ["end_call", {"name": "lookup"}]})
    assert [".".join(map(str, one.path)) for one in document.ignored] == ["tools.1"]
    assert "lookup" not in {one.name for one in parse_registered(document.config).call_tools}


def test_faults_of_a_file_have_the_files_own_paths() -> None:
    """A webhook tool's address is under api_spec."""
    tool = {"name": "b", "type": "webhook", "api_spec": {"url": "https://x.org", "headers": {"Host": "x"}}}  # fmt: skip # noqa: E501
    with pytest.raises(InvalidAgentConfig) as error:
        read({"name": "x", "tools": [tool]})
    assert error.value.issues[0].path == ("tools", 0, "api_spec", "headers", "Host")
