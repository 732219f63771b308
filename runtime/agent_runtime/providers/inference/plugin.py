"""LiveKit Inference, whose clients are part of the framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livekit.agents import inference, llm, stt, tts

from agent_runtime.providers.common.options import KeyMissingError, known_options
from agent_runtime.providers.common.recognition import failing_loudly
from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults, Stage
from agent_runtime.providers.inference.spec import SPEC
from agent_runtime.text.streaming import TextStreaming


def speech_to_text(
    choice: ProviderChoice,
    defaults: ProviderDefaults,
    *,
    frame_ms: int,  # noqa: ARG001 - the client sends 50 ms a message
) -> stt.STT[Any]:
    """Build the client. Raises KeyMissingError."""
    options = {
        **_account(Stage.STT, choice, defaults),
        **({"language": choice.language} if choice.language else {}),
        **known_options(SPEC, Stage.STT, choice),
    }
    return failing_loudly(inference.STT(**options))


def language_model(
    choice: ProviderChoice, defaults: ProviderDefaults, *, temperature: float | None
) -> llm.LLM[Any]:
    """Build the client. Raises KeyMissingError."""
    options = {
        **_account(Stage.LLM, choice, defaults),
        **known_options(SPEC, Stage.LLM, choice),
    }
    if temperature is not None:
        options["extra_kwargs"] = {"temperature": temperature, **options.get("extra_kwargs", {})}
    return inference.LLM(**options)


def text_to_speech(
    choice: ProviderChoice,
    defaults: ProviderDefaults,
    *,
    text_streaming: TextStreaming,  # noqa: ARG001 - the client takes whole sentences
) -> tts.TTS[Any]:
    """Build the client. Raises KeyMissingError."""
    voice = choice.voice_id or defaults.voice
    options = {
        **_account(Stage.TTS, choice, defaults),
        **({"voice": voice} if voice else {}),
        **({"language": choice.language} if choice.language else {}),
        **known_options(SPEC, Stage.TTS, choice),
    }
    return inference.TTS(**options)


def _account(stage: Stage, choice: ProviderChoice, defaults: ProviderDefaults) -> Mapping[str, Any]:
    """The worker's account, and the model. An agent has no account of its own here."""
    if not (defaults.api_key and defaults.api_secret):
        raise KeyMissingError(SPEC.title, SPEC.api_key.name, f"{stage.name.lower()}Config")
    return {
        "model": choice.model or defaults.model,
        "api_key": defaults.api_key,
        "api_secret": defaults.api_secret,
        "base_url": defaults.base_url,
    }
