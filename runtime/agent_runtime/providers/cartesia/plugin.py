"""Cartesia: text to speech."""

from __future__ import annotations

from typing import Any

from livekit.agents import tts
from livekit.plugins import cartesia

from agent_runtime.agents.profiles import Pace
from agent_runtime.providers.common.options import KeyMissingError, accepted
from agent_runtime.providers.common.spec import ProviderChoice
from agent_runtime.text.chunker import ChunkTokenizer
from agent_runtime.text.punctuation import UNSPACED
from agent_runtime.text.streaming import TextStreaming
from agent_runtime.voice.jobs.settings import VoiceSettings


def text_to_speech(choice: ProviderChoice, pace: Pace, settings: VoiceSettings) -> tts.TTS[Any]:
    """Build the plugin. Raises KeyMissingError."""
    defaults = settings.cartesia
    key = choice.api_key or defaults.api_key
    if not key:
        raise KeyMissingError("Cartesia", "CARTESIA_API_KEY", "ttsConfig")
    voice = choice.voice_id or defaults.voice
    options = {
        "model": choice.model or defaults.model,
        "api_key": key,
        "base_url": choice.base_url or defaults.base_url,
        **({"voice": voice} if voice else {}),
        **({"language": choice.language} if choice.language else {}),
        **_tokenizer(pace.text_streaming, choice.language),
        **accepted(cartesia.TTS, choice),
    }
    return cartesia.TTS(**options)


def _tokenizer(streaming: TextStreaming, language: str | None) -> dict[str, Any]:
    """Whole sentences are what the plugin does by itself; it also knows where unspaced ones end."""
    unspaced = (language or "").lower().split("-")[0] in UNSPACED
    if unspaced or streaming is TextStreaming.SENTENCES:
        return {}
    return {"tokenizer": ChunkTokenizer(streaming)}
