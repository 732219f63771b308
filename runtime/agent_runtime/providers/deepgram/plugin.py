"""Deepgram's plugin: speech to text and text to speech."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from livekit.agents import stt, tts
from livekit.plugins import deepgram

from agent_runtime.providers.common.endpoint import endpoint_of, http_session
from agent_runtime.providers.common.options import known_options
from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults, Stage
from agent_runtime.providers.deepgram.spec import (
    FLUX_OPTIONS,
    NOVA_OPTIONS,
    SPEC,
    conflicts,
    is_flux,
)
from agent_runtime.providers.deepgram.stream import ShortFrameSTT
from agent_runtime.text.streaming import TextStreaming

logger = logging.getLogger(__name__)

# Paths of Deepgram's two protocols; an address for the first serves Flux with the second.
V1_PATH: Final = "/v1/listen"
V2_PATH: Final = "/v2/listen"
SPEAK_V1_PATH: Final = "/v1/speak"
SPEAK_V2_PATH: Final = "/v2/speak"
# Milliseconds of audio that the plugin collects before it sends, whatever the length of the frames.
PLUGIN_FRAME_MS: Final = 50


def speech_to_text(
    choice: ProviderChoice, defaults: ProviderDefaults, *, frame_ms: int
) -> stt.STT[Any]:
    """Build the plugin for the model's protocol; frames go out as the plugin collects them, or shorter.

    Frames shorter than the plugin's 50 ms go out in steps of 20 ms. Raises KeyMissingError or
    EgressRefused.
    """
    endpoint = endpoint_of(SPEC, Stage.STT, choice, defaults)
    model = choice.model or defaults.model
    given = _terms_for(model, known_options(SPEC, Stage.STT, choice))
    is_v2 = is_flux(model)
    takes = FLUX_OPTIONS if is_v2 else NOVA_OPTIONS
    unfit = {name for name, _ in conflicts(model, given)} | (given.keys() - takes.keys())
    if unfit:
        logger.warning("%s does not take these options: %s", model, ", ".join(sorted(unfit)))
    options = {
        "model": model,
        "api_key": endpoint.api_key,
        "base_url": endpoint.base_url,
        "http_session": http_session(endpoint),
        **{name: value for name, value in given.items() if name not in unfit},
    }
    if is_v2:
        return _flux(options, choice.language, frame_ms)
    if choice.language:
        options.setdefault("language", choice.language)
    return (ShortFrameSTT if frame_ms < PLUGIN_FRAME_MS else deepgram.STT)(**options)


def _flux(options: dict[str, Any], language: str | None, frame_ms: int) -> stt.STT[Any]:
    """The plugin for Flux, which finds the turns itself and takes languages as hints."""
    address = options["base_url"]
    if address.endswith(V1_PATH):
        options["base_url"] = f"{address.removesuffix(V1_PATH)}{V2_PATH}"
    options.setdefault("audio_chunk_duration_ms", min(frame_ms, PLUGIN_FRAME_MS))
    if options["model"].endswith("-multi") and language and language != "multi":
        options.setdefault("language_hint", [language.partition("-")[0]])
    return deepgram.STTv2(**options)


def text_to_speech(
    choice: ProviderChoice,
    defaults: ProviderDefaults,
    *,
    text_streaming: TextStreaming,  # noqa: ARG001 - the service takes word by word
) -> tts.TTS[Any]:
    """Build the plugin for the model's protocol. Raises KeyMissingError or EgressRefused.

    The models are the voices, so an agent's voiceId is the model.
    """
    endpoint = endpoint_of(SPEC, Stage.TTS, choice, defaults)
    model = choice.voice_id or choice.model or defaults.model
    address = endpoint.base_url
    options = {
        "model": model,
        "api_key": endpoint.api_key,
        "base_url": address,
        "http_session": http_session(endpoint),
        **known_options(SPEC, Stage.TTS, choice),
    }
    if not is_flux(model):
        return deepgram.TTS(**options)
    if address.endswith(SPEAK_V1_PATH):
        options["base_url"] = f"{address.removesuffix(SPEAK_V1_PATH)}{SPEAK_V2_PATH}"
    return deepgram.TTSv2(**options)


def _terms_for(model: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, with terms to listen for under the name that the model takes.

    Nova-3 and Flux take `keyterm`, older models `keywords` with a boost; the plugin refuses the other one.
    """
    given = dict(options)
    if is_flux(model) or model.startswith("nova-3"):
        if keywords := given.pop("keywords", None):
            given.setdefault("keyterm", [word for word, _boost in keywords])
        return given
    terms = [given.pop(name, None) for name in ("keyterm", "keyterms")]
    if keyterm := next(filter(None, terms), None):
        words = [keyterm] if isinstance(keyterm, str) else keyterm
        given.setdefault("keywords", [(word, 1.0) for word in words])
    return given
