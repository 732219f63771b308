"""Options that a plugin would refuse in the call are refused at registration."""

from __future__ import annotations

from typing import Any

import pytest

from agent_runtime.agents import parse_registered, parse_row
from agent_runtime.domain.errors import InvalidAgentConfig


def issues(config: dict[str, Any]) -> list[str]:
    """The faults of a registered form, as the API's error lists them."""
    try:
        parse_registered(config)
    except InvalidAgentConfig as error:
        return [str(issue) for issue in error.issues]
    return []


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ({"llmConfig": {"max_retries": "3"}}, "llmConfig.max_retries: expected a whole number"),
        ({"llmConfig": {"maxRetries": 1.5}}, "llmConfig.maxRetries: expected a whole number"),
        ({"llmConfig": {"parallel_tool_calls": 1}}, "expected true or false"),
        ({"llmConfig": {"client": "x"}}, "llmConfig.client: takes an object of Python"),
        ({"llmConfig": {"max_tokens": 0}}, "greater than 0"),
        ({"llmConfig": {"maxTokens": "100"}}, "llmConfig.maxTokens: expected a whole number"),
        (
            {"llmConfig": {"extra_headers": {"a": 1}}},
            "expected an object whose values are (a text)",
        ),
        ({"llmConfig": {"verbosity": "loud"}}, 'expected one of "low", "medium", "high"'),
        ({"sttConfig": {"keywords": ["a:2"]}}, "sttConfig.keywords: expected a list of (a list [a"),
        ({"sttConfig": {"detect_language": True}}, "sttConfig.detect_language: expected false"),
        ({"sttConfig": {"http_session": {}}}, "sttConfig.http_session: takes an object of Python"),
        ({"sttConfig": {"smartFormat": "yes"}}, "sttConfig.smartFormat: expected true or false"),
        (
            {"sttConfig": {"model": "flux-general-en", "eagerEotThreshold": 0.8}},
            "sttConfig.eagerEotThreshold: is above eot_threshold",
        ),
        ({"sttConfig": {"fallbacks": [{"tags": "a"}]}}, "sttConfig.fallbacks.0.tags: expected a"),
        ({"ttsConfig": {"tokenizer": "words"}}, "ttsConfig.tokenizer: takes an object of Python"),
        ({"ttsConfig": {"speed": "quick"}}, "ttsConfig.speed: expected one of"),
        ({"ttsConfig": {"sample_rate": "24000"}}, "ttsConfig.sample_rate: expected a whole number"),
    ],
)
def test_an_option_of_another_type_is_refused(config: dict[str, Any], fault: str) -> None:
    """The fault names the field as it was given, and the type that is expected."""
    [found] = issues(config)
    assert fault in found
    assert found.startswith(next(iter(config)))


@pytest.mark.parametrize(
    "config",
    [
        {"llmConfig": {"max_retries": 3, "max_tokens": 10.0, "temperature": 1, "unknown": object}},
        {"llmConfig": {"max_retries": None, "timeout": "", "client": None}},
        {"sttConfig": {"keywords": [["a", 2]], "keyterm": ["x"], "tags": []}},
        {"sttConfig": {"model": "nova-2", "keywords": [["a", 2]], "keyterm": "a"}},
        {"sttConfig": {"model": "flux-general-en", "eot_threshold": 0.8, "redact": "numbers"}},
        {"ttsConfig": {"speed": 1.2, "emotion": "Happy", "voice": [0.1, 0.2]}},
        {"ttsConfig": {"speed": "fast", "volume": 1}},
    ],
)
def test_an_option_of_its_type_is_accepted(config: dict[str, Any]) -> None:
    """Null and "" stand for an option that is not set; keys that no plugin knows are kept."""
    assert issues(config) == []


def test_a_row_names_the_column() -> None:
    """In the agents table the fault is at the column, with the key behind it."""
    with pytest.raises(InvalidAgentConfig, match=r"^llm_config\.max_retries: expected"):
        parse_row({"llm_config": '{"max_retries": "3"}'})
