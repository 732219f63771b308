"""The file form loads with all its fields, and its faults are named by the file's own keys."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from agent_runtime.agents import parse_registered
from agent_runtime.agents.forms.any_form import load, read
from agent_runtime.agents.forms.document import Form
from agent_runtime.agents.forms.file import to_file
from agent_runtime.domain.errors import InvalidAgentConfig

# A file with every field of the form.
WHOLE: Final[dict[str, Any]] = {
    "agent_id": "clinic_front_desk_v1",
    "name": "Clinic",
    "description": "The front desk",
    "agent_type": "assistant",
    "version": "1.0",
    "first_message": "Hello {{customer_name}}",
    "greeting_instructions": "Greet warmly",
    "system_instructions": "You answer the telephone of a clinic.",
    "guardrails": "Give no medical advice.",
    "initial_context": "The clinic opens at eight.",
    "llm_config": {
        "provider": "OpenAI",
        "model": "gpt-4o-mini",
        "temperature": 0.2,
        "max_tokens": 200,
        "api_key": "key-of-the-model",
        "base_url": "https://llm.example.org/v1",
        "custom_params": {"top_p": 0.5},
    },
    "tts_config": {
        "provider": "cartesia",
        "voice_id": "voice",
        "model": "sonic-2",
        "language": "de",
        "speed": 1.1,
        "api_key": "key-of-the-voice",
        "custom_params": {"emotion": ["calm"]},
    },
    "stt_config": {
        "provider": "deepgram",
        "language": "de",
        "model": "nova-3",
        "api_key": "key-of-the-ear",
        "custom_params": {"smart_format": True},
    },
    "vad_config": {"provider": "silero"},
    "turn_detection_config": {"provider": "vad", "min_endpointing_delay": 0.4},
    "rag_config": {"enabled": True, "namespace": "clinic", "knowledge_base_ids": ["a", 2]},
    "memory_config": {
        "enabled": True,
        "type": "user",
        "max_history": 5,
        "summarize_threshold": 100,
        "provider": "x",
        "custom_params": {},
    },
    "tools": [
        "end_call",
        {"name": "get_memory", "enabled": True, "async_execution": False},
        {
            "id": "t1",
            "name": "book",
            "description": "Books a visit",
            "type": "webhook",
            "api_spec": {
                "url": "https://x.example.org",
                "method": "POST",
                "headers": {},
                "body": {},
            },
        },
    ],
    "mcp_servers": [{"url": "https://mcp.example.org", "headers": {"a": "b"}}],
    "evaluation_criteria": [{"name": "polite", "description": "Was it polite?"}],
    "evaluation_webhook": {"url": "https://e.example.org", "timeout": 30, "retry_count": 3},
    "metrics_webhook": {"url": "https://m.example.org", "retry_delay": 1.0, "enabled": False},
    "completion_webhook": {"url": "https://c.example.org", "headers": {"x": "y"}},
    "max_conversation_duration": 600,
    "silence_timeout": 10,
    "interruption_handling": False,
    "noise_cancellation": "none",
    "metadata": {"owner": "front desk"},
}


def issues(given: dict[str, Any]) -> dict[str, str]:
    """The faults by their paths."""
    with pytest.raises(InvalidAgentConfig) as refused:
        read(given)
    return {".".join(map(str, issue.path)): issue.message for issue in refused.value.issues}


def test_every_field_of_the_file_reaches_the_one_model() -> None:
    """What the model has a field for is in that field; everything else is kept under its registered key."""
    document = read(WHOLE)
    config = parse_registered(document.config)
    assert (document.form, document.text_id) == (Form.FILE, "clinic_front_desk_v1")
    assert (config.llm.model, config.llm.base_url) == ("gpt-4o-mini", "https://llm.example.org/v1")
    assert (config.llm.api_key, config.temperature) == ("key-of-the-model", 0.2)
    assert config.llm.extra == {"max_tokens": 200, "top_p": 0.5}
    assert (config.tts.voice_id, config.tts.model, config.tts.language) == (
        "voice",
        "sonic-2",
        "de",
    )
    assert config.tts.extra == {"speed": 1.1, "emotion": ["calm"]}
    assert (config.stt.model, config.stt.extra) == ("nova-3", {"smart_format": True})
    assert (config.vad.provider, config.turns.provider, config.turns.min_delay) == (
        "silero",
        "vad",
        0.4,
    )
    assert not config.interruptions
    assert config.greeting == "Hello {{customer_name}}"
    assert config.system_prompt == "You answer the telephone of a clinic."
    for key in ("ragConfig", "memoryConfig", "mcpServers", "evaluationCriteria", "tools"):
        assert document.config[key]


def test_fields_without_effect_are_reported_by_the_files_own_keys() -> None:
    """Fields that no code acts on yet and keys of the file's own are reported; name and version are not."""
    given = {**WHOLE, "personality_traits": ["calm"]}
    found = {str(issue) for issue in read(given).ignored}
    assert "rag_config: nothing acts on this key yet" in found
    assert "personality_traits: is no key of this form; it is kept" in found
    assert not {issue for issue in found if issue.startswith(("version", "agent_type", "name"))}


def test_a_file_comes_back_as_it_was() -> None:
    """From file to registration and back nothing is lost but null."""
    document = read({**WHOLE, "conversation_style": {"a": None}})
    back = to_file(document.config, document.text_id)
    expected = {**WHOLE, "conversation_style": {"a": None}}
    expected["turn_detection_config"] = {"provider": "vad", "minDelay": 0.4}
    assert back == expected


def test_objects_that_hold_only_their_provider_take_its_defaults() -> None:
    """`{"provider": "deepgram"}` is enough; model, voice and language are then the provider's."""
    document = read(
        {
            "agent_id": "a",
            "stt_config": {"provider": "deepgram"},
            "tts_config": {"provider": "cartesia"},
            "llm_config": None,
        }
    )
    config = parse_registered(document.config)
    assert (config.stt.model, config.stt.language, config.tts.voice_id) == (None, None, None)
    assert config.temperature == 0.7
    assert document.changes == [
        "llm_config.temperature: 0.7, as files that name none have it",
        "speech_guidance: true, as the instructions of files have it",
        "default_tools: true, as files have the built-in tools",
    ]


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        ({"llm_config": {"temperature": 2.1}}, "llm_config.temperature", "equal to 2"),
        ({"llm_config": {"provider": "nobody"}}, "llm_config.provider", "available: openai"),
        ({"llm_config": {"model": 4}}, "llm_config.model", "string"),
        ({"llm_config": []}, "llm_config", "object"),
        ({"tts_config": {"speed": 5}}, "tts_config.speed", "equal to 4"),
        ({"stt_config": {"custom_params": []}}, "stt_config.custom_params", "object"),
        (
            {"stt_config": {"custom_params": {"punctuate": "x"}}},
            "stt_config.custom_params.punctuate",
            "true or false",
        ),
        (
            {"stt_config": {"model": "a", "custom_params": {"model": "b"}}},
            "stt_config.custom_params.model",
            "given as stt_config.model, too",
        ),
        ({"agent_id": "front desk"}, "agent_id", "letters"),
        ({"agent_id": "a-room_b"}, "agent_id", "-room"),
        ({"agent_id": 0}, "agent_id", "from 1"),
        ({"version": []}, "version", "string; or Input should be a valid number"),
        ({"tools": ["a", {"name": "a"}]}, "tools.1.name", "name of tools.0"),
        ({"tools": ["a", "a"]}, "tools.1", "name of tools.0"),
        ({"tools": [{"description": "x"}]}, "tools.0.name", "required"),
        ({"tools": [{"name": "a", "type": "shell"}]}, "tools.0.type", "webhook"),
        ({"tools": [{"name": "a", "type": "webhook"}]}, "tools.0.api_spec", "needed"),
        ({"tools": [3]}, "tools.0", "object"),
        ({"mcp_servers": [{"headers": {}}]}, "mcp_servers.0.url", "required"),
        (
            {"memory_config": {"max_history": 20, "summarize_threshold": 10}},
            "memory_config.summarize_threshold",
            "less than max_history",
        ),
        ({"completion_webhook": {"url": "u", "timeout": 301}}, "completion_webhook.timeout", "300"),
        ({"metrics_webhook": {"headers": {}}}, "metrics_webhook.url", "needed"),
        (
            {"evaluation_webhook": {"url": "u", "retry_count": 11}},
            "evaluation_webhook.retry_count",
            "10",
        ),
        ({"max_conversation_duration": 29}, "max_conversation_duration", "30"),
        ({"interruption_handling": "yes"}, "interruption_handling", "boolean"),
        ({"noise_cancellation": "loud"}, "noise_cancellation", "none of BVC"),
        (
            {"turn_detection_config": {"minDelay": 1, "min_endpointing_delay": 2}},
            "turn_detection_config.min_endpointing_delay",
            "given as minDelay",
        ),
        ({"turn_detection_config": {"maxDelay": -1}}, "turn_detection_config.maxDelay", "0"),
    ],
)
def test_faults_are_named_by_the_files_keys(given: dict[str, Any], path: str, words: str) -> None:
    """Each fault has the path of its value in the file, and says what would be right."""
    found = issues(given)
    assert list(found) == [path]
    assert words in found[path]


def test_all_faults_of_a_file_are_named_at_once() -> None:
    """A file with several faults is read once, not once for each of them."""
    given = {"llm_config": {"temperature": 3}, "tools": [{}], "stt_config": {"model": 1}}
    assert set(issues(given)) == {"llm_config.temperature", "tools.0.name", "stt_config.model"}


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ({"sttProvider": "deepgram"}, Form.REGISTERED),
        ({"agentId": 7, "tenantId": 1, "config": {}}, Form.REGISTERED),
        ({"agent_id": "a", "llm_config": {}}, Form.FILE),
        ({"agent_id": "a", "name": "A", "own": 1}, Form.FILE),
        ({"model": "m", "voice": "v", "instructions": "i"}, Form.V0),
        ({"id": 3, "stt_provider": "deepgram", "stt_config": "{}", "system_prompt": "x"}, Form.ROW),
    ],
)
def test_the_form_is_told_by_the_keys(given: dict[str, Any], form: Form) -> None:
    """Nobody has to say in which form a configuration is."""
    assert read(given).form is form


def test_the_flat_form_loads() -> None:
    """v0 has model, voice, instructions, greeting and language on top; the report says where they went."""
    given = {
        "agent_id": "old",
        "model": "gpt-4o",
        "voice": "v",
        "instructions": "Be brief.",
        "greeting": "Hi",
        "language": "German",
        "mood": "good",
    }
    document = read(given)
    config = parse_registered(document.config)
    assert (config.llm.model, config.tts.voice_id, config.languages) == ("gpt-4o", "v", ["de"])
    assert (config.system_prompt, config.greeting) == ("Be brief.", "Hi")
    assert "voice: is voiceId now" in document.changes
    assert [issue.path for issue in document.ignored] == [("mood",)]
    assert set(issues({"instructions": 3, "voice": "v"})) == {"instructions"}


def test_a_row_loads_with_its_tenant() -> None:
    """A row of the `agents` table as JSON gives the agent's id and tenant; faults name its columns."""
    row = {"id": 7, "tenant_id": 3, "stt_provider": "deepgram", "stt_config": '{"model": "nova-2"}'}
    document = read(row)
    assert (document.agent_id, document.tenant_id) == (7, 3)
    assert parse_registered(document.config).stt.model == "nova-2"
    assert set(issues({**row, "stt_provider": "nobody"})) == {"stt_provider"}
    assert set(issues({**row, "stt_config": "{"})) == {"stt_config"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not JSON"),
        ("[1]", "is a JSON list"),
        ('{"name": NaN}', "NaN"),
        ('{"name": "a", "name": "b"}', "twice"),
        (b"\xff", "UTF-8"),
        ('{"name": "\\u0000"}', "no database stores"),
        ('{"name": "\\ud800"}', "no database stores"),
        ('{"own": ' + "[" * 300 + "]" * 300 + "}", "levels"),
        ('{"own": ' + "[" * 100_000 + "]" * 100_000 + "}", "levels"),
        ('{"own": "' + "x" * 1_100_000 + '"}', "larger"),
    ],
)
def test_a_text_that_is_no_configuration_is_refused(text: str | bytes, words: str) -> None:
    """Whatever a file holds, the answer is InvalidAgentConfig that says what is wrong."""
    with pytest.raises(InvalidAgentConfig, match=words):
        load(text)


def test_a_file_with_a_byte_order_mark_loads() -> None:
    """Editors on Windows write one."""
    assert load(b"\xef\xbb\xbf" + json.dumps(WHOLE).encode()).text_id == "clinic_front_desk_v1"
