"""OpenAI: language model."""

from __future__ import annotations

from typing import Any

from livekit.agents import llm
from livekit.plugins import openai

# The client would load these at its first request, while a caller waits for the first answer.
from openai.lib.streaming import chat as _streaming  # noqa: F401
from openai.resources.chat import chat as _resource  # noqa: F401

from agent_runtime.config.model import ProviderChoice
from agent_runtime.voice.providers.options import KeyMissingError, accepted
from agent_runtime.voice.settings import VoiceSettings


def language_model(
    choice: ProviderChoice, temperature: float | None, settings: VoiceSettings
) -> llm.LLM[Any]:
    """Build the plugin. Raises KeyMissingError."""
    defaults = settings.openai
    key = choice.api_key or defaults.api_key
    if not key:
        raise KeyMissingError("OpenAI", "OPENAI_API_KEY", "llmConfig")
    options = {
        "model": choice.model or defaults.model,
        "api_key": key,
        "base_url": choice.base_url or defaults.base_url,
        **({"temperature": temperature} if temperature is not None else {}),
        **accepted(openai.LLM, choice),
    }
    return openai.LLM(**options)
