"""LiveKit Inference in place of a vendor: by the model's name, or where plugin or key is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults, Stage
from agent_runtime.providers.registry import DEFAULTS, is_installed, spec_of

INFERENCE: Final = "inference"
# The vendors that LiveKit Inference serves at each stage, by its own names. It has no Anthropic, no Gladia,
# no ElevenLabs, and neither OpenAI's voices nor, but for one model, its recognition.
SERVED: Final[Mapping[Stage, frozenset[str]]] = {
    Stage.STT: frozenset(
        {"assemblyai", "cartesia", "deepgram", "google", "inworld", "speechmatics", "xai"}
    ),
    Stage.LLM: frozenset({"deepseek-ai", "google", "moonshotai", "openai", "xai", "zai"}),
    Stage.TTS: frozenset({"cartesia", "deepgram", "fishaudio", "inworld", "rime", "xai"}),
}
# Names of ours that differ from those of LiveKit Inference.
_NAMES: Final = {"gemini": "google"}


def resolved(
    stage: Stage, choice: ProviderChoice, providers: Mapping[str, ProviderDefaults]
) -> ProviderChoice:
    """The choice, or LiveKit Inference with the same vendor's model where the choice cannot be served.

    An agent that names its own key or address keeps its vendor.
    """
    inference = providers.get(INFERENCE)
    if inference is None or not inference.api_key or choice.provider == INFERENCE:
        return choice
    if choice.api_key or choice.base_url:
        return choice
    spec, defaults = spec_of(choice.provider), providers[choice.provider]
    vendor, slash, _ = (choice.model or "").partition("/")
    if (
        slash
        and vendor in SERVED[stage]
        and choice.provider == DEFAULTS[stage]
        and defaults.base_url == spec.address(stage).default  # another service may have such models
    ):
        return _through(choice, choice.model)
    name = name_there(choice.provider)
    if name not in SERVED[stage] or (is_installed(spec) and defaults.api_key):
        return choice
    model = choice.model or defaults.model
    return _through(choice, f"{name}/{model}" if model else None)


def name_there(provider: str) -> str:
    """The vendor's name at LiveKit Inference."""
    return _NAMES.get(provider, provider)


def _through(choice: ProviderChoice, model: str | None) -> ProviderChoice:
    """Options are the vendor's plugin's own, and stay behind."""
    return replace(choice, provider=INFERENCE, model=model, extra={}, fallbacks=())
