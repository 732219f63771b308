"""Builds a plugin that has no folder here, with the arguments that its constructor takes."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from agent_runtime.domain.errors import InvalidInput
from agent_runtime.providers.common.endpoint import endpoint_of, http_session
from agent_runtime.providers.common.installed import CLASSES, InstalledSpec
from agent_runtime.providers.common.options import known_options
from agent_runtime.providers.common.recognition import failing_loudly
from agent_runtime.providers.common.spec import MULTI, ProviderChoice, ProviderDefaults, Stage
from agent_runtime.text.streaming import TextStreaming

if TYPE_CHECKING:
    from livekit.agents import llm, stt, tts

# The names that plugins have for a voice and for a language.
VOICES: Final = ("voice", "voice_id", "speaker", "voice_name")
LANGUAGES: Final = ("language", "language_code", "target_language_code")


class PluginRefusedError(InvalidInput):
    """Raised when a plugin's constructor refuses the options of an agent."""

    remedy = "change the options that the message names"


def speech_to_text(
    spec: InstalledSpec,
    choice: ProviderChoice,
    defaults: ProviderDefaults,
    *,
    frame_ms: int,  # noqa: ARG001 - the plugin has a length of its own
) -> stt.STT[Any]:
    """Build the plugin. Raises KeyMissingError, EgressRefused or PluginRefusedError."""
    return failing_loudly(_built(spec, Stage.STT, choice, defaults))


def language_model(
    spec: InstalledSpec,
    choice: ProviderChoice,
    defaults: ProviderDefaults,
    *,
    temperature: float | None,
) -> llm.LLM[Any]:
    """Build the plugin. Raises KeyMissingError, EgressRefused or PluginRefusedError."""
    given = {} if temperature is None else {"temperature": temperature}
    plugin: llm.LLM[Any] = _built(spec, Stage.LLM, choice, defaults, **given)
    return plugin


def text_to_speech(
    spec: InstalledSpec,
    choice: ProviderChoice,
    defaults: ProviderDefaults,
    *,
    text_streaming: TextStreaming,  # noqa: ARG001 - the plugin's own tokenizer cuts the text
) -> tts.TTS[Any]:
    """Build the plugin. Raises KeyMissingError, EgressRefused or PluginRefusedError."""
    plugin: tts.TTS[Any] = _built(spec, Stage.TTS, choice, defaults)
    return plugin


def _built(
    spec: InstalledSpec,
    stage: Stage,
    choice: ProviderChoice,
    defaults: ProviderDefaults,
    **given: Any,
) -> Any:
    """An option of the agent wins over `given` and over what follows from its other keys."""
    takes = spec.constructors[stage]
    names = takes.options.keys() | takes.objects
    options = {name: value for name, value in given.items() if name in names}
    language = None if choice.language == MULTI else choice.language
    for value, candidates in (
        (choice.model, ("model",)),
        (choice.voice_id, VOICES),
        (language, LANGUAGES),
    ):
        if value and (name := _first(candidates, names)):
            options[name] = value
    if "api_key" in names:
        endpoint = endpoint_of(spec, stage, choice, defaults)
        options["api_key"] = endpoint.api_key
        if endpoint.guard is not None:
            options["base_url"] = endpoint.base_url
            options["http_session"] = http_session(endpoint)
    own = known_options(spec, stage, choice)
    options |= {name: value for name, value in own.items() if name not in takes.reserved}
    kind = getattr(importlib.import_module(spec.module), CLASSES[stage])
    try:
        return kind(**options)
    except (TypeError, ValueError) as error:
        raise PluginRefusedError(f"{spec.package}: {error}") from error


def _first(candidates: Iterable[str], names: Iterable[str]) -> str | None:
    return next((one for one in candidates if one in names), None)
