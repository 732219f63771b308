"""Cartesia: text to speech."""

from __future__ import annotations

from typing import Any

from livekit.agents import tts
from livekit.plugins import cartesia

from agent_runtime.config.model import AgentConfig
from agent_runtime.voice.providers.options import KeyMissingError, accepted
from agent_runtime.voice.settings import VoiceSettings


def text_to_speech(config: AgentConfig, settings: VoiceSettings) -> tts.TTS[Any]:
    """Build the plugin. Raises KeyMissingError."""
    choice, defaults = config.tts, settings.cartesia
    key = choice.api_key or defaults.api_key
    if not key:
        raise KeyMissingError("Cartesia", "CARTESIA_API_KEY", "ttsConfig")
    voice = config.voice_id or defaults.voice
    options = {
        "model": choice.model or defaults.model,
        "api_key": key,
        "base_url": choice.base_url or defaults.base_url,
        **({"voice": voice} if voice else {}),
        **({"language": choice.language} if choice.language else {}),
        **accepted(cartesia.TTS, choice),
    }
    return cartesia.TTS(**options)
