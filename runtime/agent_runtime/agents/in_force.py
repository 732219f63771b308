"""What is in force for an agent: every value that a call will use, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agent_runtime.agents.fields import Section, by_key, section_of, with_one_spelling
from agent_runtime.agents.forms.registered import parse_registered
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.profiles import PACES, pace_of
from agent_runtime.agents.sections import Profile, TurnOptions
from agent_runtime.providers.common.spec import ProviderDefaults, Stage
from agent_runtime.providers.registry import specs

Path = tuple[str | int, ...]

DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Layer:
    """A source of values in the registered form: the registration, a row, a file, a template."""

    source: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Value:
    """A value in force, by its dotted path in the registered form, and the source that it comes from."""

    path: str
    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the settings give to agents that do not say otherwise."""

    providers: Mapping[Stage, Mapping[str, ProviderDefaults]]
    profile: Profile
    max_sessions: int


def in_force(config: Mapping[str, Any], layers: Sequence[Layer], defaults: Defaults) -> list[Value]:
    """Every value of the merged `config` and what completes it, in the order of the fields.

    A value comes from the first of the `layers` that has something at its path. Raises InvalidAgentConfig.
    """
    parsed = parse_registered(config)
    spelled = [Layer(one.source, with_one_spelling(AgentConfig, one.values)) for one in layers]
    found = {
        value.path: value
        for value in _given(AgentConfig, with_one_spelling(AgentConfig, config), (), spelled)
    }
    for value in (*_of_fields(), *_of_settings(parsed, defaults), *_of_profile(parsed, defaults)):
        found.setdefault(value.path, value)
    order = {key: number for number, key in enumerate(by_key(AgentConfig))}
    return sorted(found.values(), key=lambda value: order.get(value.path.split(".")[0], len(order)))


def _given(
    section: type[Section], values: Mapping[str, Any], path: Path, layers: Sequence[Layer]
) -> Iterator[Value]:
    fields = by_key(section)
    for key, value in values.items():
        if value is None or value == "":
            continue
        inner = section_of(fields[key]) if key in fields else None
        here = (*path, key)
        if inner is not None and isinstance(value, Mapping):
            inside = [
                Layer(one.source, with_one_spelling(inner, one.values.get(key) or {}))
                for one in layers
            ]
            yield from _given(inner, with_one_spelling(inner, value), here, inside)
        else:
            source = next((one.source for one in layers if _has(one.values.get(key))), DEFAULT)
            yield Value(".".join(map(str, here)), value, source)


def _has(value: Any) -> bool:
    return value is not None and value != ""


def _of_fields() -> Iterator[Value]:
    for key, field in by_key(AgentConfig).items():
        if section_of(field) is None and field.default is not None and not field.is_required():
            value = field.get_default(call_default_factory=True)
            if value not in (None, [], {}):
                yield Value(key, value, DEFAULT)


def _of_settings(config: AgentConfig, defaults: Defaults) -> Iterator[Value]:
    """Models, voice and addresses of the settings, for the provider of each stage."""
    for stage, choice in (
        (Stage.STT, config.stt),
        (Stage.LLM, config.llm),
        (Stage.TTS, config.tts),
    ):
        section = f"{stage.name.lower()}Config"
        spec = specs().get(choice.provider)
        own = defaults.providers.get(stage, {}).get(choice.provider)
        if spec is None or own is None or stage not in spec.stages:
            continue
        offer = spec.stages[stage]
        if choice.model is None and own.model:
            path = "llmModel" if stage is Stage.LLM else f"{section}.model"
            yield Value(path, own.model, offer.model.name)
        if stage is Stage.TTS and offer.voice is not None and own.voice:
            yield Value("voiceId", own.voice, offer.voice.name)
        if choice.base_url is None and own.base_url:
            yield Value(f"{section}.baseUrl", own.base_url, spec.base_url.name)
        if choice.api_key is None and own.api_key:
            yield Value(f"{section}.apiKey", own.api_key, spec.api_key.name)
        if choice.language is not None and stage is not Stage.LLM:
            yield Value(f"{section}.language", choice.language, "languages")
    yield Value("maxConcurrentSessions", defaults.max_sessions, "MAX_SESSIONS_PER_AGENT")


def _of_profile(config: AgentConfig, defaults: Defaults) -> Iterator[Value]:
    profile = config.turns.profile or defaults.profile
    yield Value("vadConfig.provider", config.vad.provider, DEFAULT)
    yield Value("turnDetectionConfig.provider", config.turns.provider, DEFAULT)
    yield Value("turnDetectionConfig.profile", str(profile), "WORKER_PROFILE")
    pace = pace_of(config, defaults.profile)
    for key, field in by_key(TurnOptions).items():
        name = next(name for name, one in TurnOptions.model_fields.items() if one is field)
        if hasattr(pace, name):
            yield Value(f"turnDetectionConfig.{key}", getattr(pace, name), f"profile {profile}")
    streaming = PACES[profile].text_streaming
    yield Value("ttsConfig.textStreaming", str(streaming), f"profile {profile}")
