"""Both forms of a configuration load into one model; errors name the fields by the form's own names."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.agents import AgentConfig, parse_registered, parse_row
from agent_runtime.agents.checks.effects import without_effect
from agent_runtime.domain.errors import InvalidAgentConfig
from agent_runtime.providers.common.spec import Stage
from agent_runtime.providers.registry import available
from fixtures.agents import sample_agent

ROW: dict[str, Any] = {
    "id": 7,
    "name": "Receptionist",
    "stt_provider": "Deepgram",
    "stt_config": '{"model": "nova-2", "keyterm": ["Ada"]}',
    "tts_provider": "cartesia",
    "tts_config": None,
    "voice_id": "v1",
    "llm_provider": "OPENAI",
    "llm_model": "gpt-4o",
    "llm_config": "",
    "vision_enabled": 0,
    "screen_share_enabled": 0,
    "transcribe_enabled": 1,
    "languages": '["en", "de"]',
    "temperature": 0.6,
    "system_prompt": "Be brief.",
    "initial_greeting": None,
    "max_concurrent_sessions": 10,
    "deployment_status": "deployed",
}


def test_an_empty_configuration_takes_every_default() -> None:
    """An empty configuration is an agent, with the documented defaults."""
    config = parse_registered({})
    assert (config.stt.provider, config.llm.provider, config.tts.provider) == (
        "deepgram",
        "openai",
        "cartesia",
    )
    assert (config.vad.provider, config.turns.provider) == ("bundled", "v1-mini")
    assert config.interruptions
    assert config.max_concurrent_sessions is None


def test_the_builders_form_loads() -> None:
    """The builder's keys, most of them null, load; unknown keys are accepted."""
    config = parse_registered(sample_agent("receptionist", somethingNew={"x": 1}))
    assert config.greeting == "Hello, how can I help you today?"
    assert config.languages == ["en"]
    assert config.stt.language == "en"
    assert config.max_concurrent_sessions == 10


def test_provider_names_have_no_case_and_options_reach_the_provider() -> None:
    """The letter case of a provider's name does not matter, and options of its plugin are kept."""
    config = parse_registered(
        {"sttProvider": "DeepGram", "sttConfig": {"apiKey": "k", "model": "m", "punctuate": False}}
    )
    assert config.stt.provider == "deepgram"
    assert (config.stt.api_key, config.stt.model) == ("k", "m")
    assert config.stt.extra == {"punctuate": False}


@pytest.mark.parametrize(
    ("config", "path", "words"),
    [
        ({"sttProvider": "whisper"}, "sttProvider", "available: deepgram"),
        ({"ttsProvider": "nobody"}, "ttsProvider", "available: cartesia"),
        ({"llmProvider": "nobody"}, "llmProvider", "available: openai"),
        ({"vadConfig": {"provider": "x"}}, "vadConfig.provider", "available: bundled, silero"),
        ({"turnDetectionConfig": {"provider": "x"}}, "turnDetectionConfig.provider", "v1-mini"),
        ({"temperature": 3}, "temperature", "less than or equal to 2"),
        ({"maxConcurrentSessions": 0}, "maxConcurrentSessions", "greater than or equal to 1"),
        ({"maxConcurrentSessions": "5"}, "maxConcurrentSessions", "valid integer"),
        ({"languages": "en"}, "languages", "list"),
        ({"sttConfig": {"model": 5}}, "sttConfig.model", "string"),
        ({"visionEnabled": "yes"}, "visionEnabled", "boolean"),
        ({"systemPrompt": False}, "systemPrompt", "string"),
        ({"languages": {}}, "languages", "list"),
        ({"sttConfig": []}, "sttConfig", "dictionary"),
        ({"turnDetectionConfig": False}, "turnDetectionConfig", "dictionary"),
        ({"interruptionHandling": 0}, "interruptionHandling", "boolean"),
        ({"sttConfig": {"fallbacks": [None]}}, "sttConfig.fallbacks.0", "dictionary"),
        ({"sttConfig": {"fallbacks": {}}}, "sttConfig.fallbacks", "list"),
        ({"llmConfig": {"fallbacks": [{}, {}, {}]}}, "llmConfig.fallbacks", "at most 2"),
        (
            {"ttsConfig": {"fallbacks": [{"provider": "nobody"}]}},
            "ttsConfig.fallbacks.0.provider",
            "available: cartesia",
        ),
    ],
)
def test_an_error_names_its_field_and_the_remedy(
    config: dict[str, Any], path: str, words: str
) -> None:
    """A value that cannot work is refused with the path of its key and with what would be right."""
    with pytest.raises(InvalidAgentConfig) as refused:
        parse_registered(config)
    (issue,) = refused.value.issues
    assert str(issue).startswith(f"{path}: ")
    assert words in issue.message


def test_fallbacks_have_models_keys_and_voices_of_their_own() -> None:
    """Settings of the first provider are not those of its fallbacks; the agent's languages are."""
    config = parse_registered(
        {
            "languages": ["de"],
            "sttConfig": {"apiKey": "k", "fallbacks": [{"model": "nova-2"}]},
            "llmModel": "gpt-4.1",
            "llmConfig": {"fallbacks": [{"baseUrl": "https://b/v1"}, {"provider": "OpenAI"}]},
            "voiceId": "v1",
            "ttsConfig": {"fallbacks": [{"voiceId": "v2", "speed": 1.1}]},
        }
    )
    (hearing,), (speaking,) = config.stt.fallbacks, config.tts.fallbacks
    assert (hearing.model, hearing.api_key, hearing.language) == ("nova-2", None, "de")
    assert [(one.model, one.base_url) for one in config.llm.fallbacks] == [
        (None, "https://b/v1"),
        (None, None),
    ]
    assert (config.tts.voice_id, speaking.voice_id, speaking.extra) == ("v1", "v2", {"speed": 1.1})


def test_all_errors_are_reported_at_once() -> None:
    """Two faulty fields give two issues."""
    with pytest.raises(InvalidAgentConfig) as refused:
        parse_registered({"sttProvider": "x", "temperature": -1})
    assert {issue.path[0] for issue in refused.value.issues} == {"sttProvider", "temperature"}


def test_the_row_is_the_same_agent() -> None:
    """A row with JSON as text and flags of 0 and 1 loads into the same model."""
    config = parse_row(ROW)
    assert config.stt.model == "nova-2"
    assert config.stt.extra == {"keyterm": ["Ada"]}
    assert config.llm.model == "gpt-4o"
    assert config.transcribe_enabled
    assert config.languages == ["en", "de"]


def test_json_columns_are_read_and_the_platform_s_own_column_is_not() -> None:
    """mcp_config is an object of the agent; resource_limits is the platform's, whatever it holds."""
    config = parse_row({**ROW, "mcp_config": '{"servers": []}', "resource_limits": "{"})
    assert config.mcp_config == {"servers": []}
    assert config.resource_limits is None


@pytest.mark.parametrize("languages", ["en, de", '["en","de"]', "en,de,"])
def test_languages_come_in_two_forms(languages: str) -> None:
    """A JSON list and a comma-separated list mean the same."""
    assert parse_row({**ROW, "languages": languages}).languages == ["en", "de"]


def test_a_faulty_row_names_its_columns() -> None:
    """Malformed JSON and an unknown provider are reported by column, at once."""
    with pytest.raises(InvalidAgentConfig) as refused:
        parse_row({**ROW, "stt_config": "{", "tts_config": "[1]", "llm_provider": "x"})
    assert {issue.path[0] for issue in refused.value.issues} == {
        "stt_config",
        "tts_config",
        "llm_provider",
    }


def test_keys_are_not_shown() -> None:
    """A provider's key does not appear when a configuration is printed."""
    assert "s3cret" not in repr(parse_registered({"llmConfig": {"apiKey": "s3cret"}}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
KEYS = st.sampled_from([*sample_agent("receptionist"), "vadConfig", "turnDetectionConfig", "other"])


@given(st.dictionaries(KEYS, JSON))
def test_any_object_is_an_agent_or_names_its_faults(config: dict[str, Any]) -> None:
    """Any JSON object is either a configuration with known providers, or gives issues with a path."""
    try:
        parsed = parse_registered(config)
    except InvalidAgentConfig as error:
        assert all(issue.path for issue in error.issues)
    else:
        assert isinstance(parsed, AgentConfig)
        assert parsed.stt.provider in available(Stage.STT)


@given(st.sampled_from(["stt_config", "tts_config", "llm_config", "mcp_config"]), st.text())
def test_any_text_in_a_json_column_is_read_or_named(column: str, text: str) -> None:
    """A JSON column either holds an object, or the error names the column."""
    try:
        parse_row({**ROW, column: text})
    except InvalidAgentConfig as error:
        assert {issue.path[0] for issue in error.issues} == {column}
    else:
        assert not text.strip() or isinstance(json.loads(text), dict | None)


@pytest.mark.parametrize(
    "config",
    [
        {"llmConfig": {"base_url": "https://x/v1", "api_key": "k1"}},
        {"llmConfig": {"baseURL": "https://x/v1", "apikey": "k1"}},
        {"llm_config": {"base-url": "https://x/v1", "API_KEY": "k1", "baseUrl": None}},
        {"llmConfig": {"baseUrl": " https://x/v1 ", "api_key": "k1", "apiKey": "k1"}},
    ],
)
def test_all_spellings_of_a_key_mean_the_same(config: dict[str, Any]) -> None:
    """camelCase, snake_case and the spellings of SDKs are one key, in the registered form and in rows."""
    for parsed in (
        parse_registered(config),
        parse_row({"llm_config": json.dumps(next(iter(config.values())))}),
    ):
        assert (parsed.llm.base_url, parsed.llm.api_key) == ("https://x/v1", "k1")
        assert parsed.llm.extra == {}
    assert without_effect(config) == []


def test_spellings_that_differ_are_refused() -> None:
    """One key in two spellings with two values is an error that has both spellings and neither value."""
    with pytest.raises(InvalidAgentConfig) as refused:
        parse_registered({"sttConfig": {"apiKey": "s3cret", "api_key": "other-s3cret"}})
    assert "sttConfig: apiKey and api_key are the same key and differ" in str(refused.value)
    assert "s3cret" not in str(refused.value)
