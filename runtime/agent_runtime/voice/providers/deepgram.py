"""Deepgram: speech to text."""

from __future__ import annotations

from typing import Any

from livekit.agents import stt
from livekit.plugins import deepgram

from agent_runtime.config.model import AgentConfig
from agent_runtime.voice.providers.options import KeyMissingError, accepted
from agent_runtime.voice.settings import VoiceSettings


def speech_to_text(config: AgentConfig, settings: VoiceSettings) -> stt.STT[Any]:
    """Build the plugin. Raises KeyMissingError."""
    choice, defaults = config.stt, settings.deepgram
    key = choice.api_key or defaults.api_key
    if not key:
        raise KeyMissingError("Deepgram", "DEEPGRAM_API_KEY", "sttConfig")
    options = {
        "model": choice.model or defaults.model,
        "api_key": key,
        "base_url": choice.base_url or defaults.base_url,
        **({"language": choice.language} if choice.language else {}),
        **accepted(deepgram.STT, choice),
    }
    return deepgram.STT(**options)
