"""Deepgram: speech to text."""

from __future__ import annotations

from typing import Any, Final

from livekit.agents import stt
from livekit.plugins import deepgram

from agent_runtime.agents.profiles import Pace
from agent_runtime.providers.common.options import KeyMissingError, accepted
from agent_runtime.providers.common.spec import ProviderChoice
from agent_runtime.providers.deepgram.stream import SmallPieceSTT
from agent_runtime.voice.jobs.settings import VoiceSettings

PLUGINS_PIECE_MS: Final = 50


def speech_to_text(choice: ProviderChoice, pace: Pace, settings: VoiceSettings) -> stt.STT[Any]:
    """Build the plugin. Raises KeyMissingError."""
    defaults = settings.deepgram
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
    return (SmallPieceSTT if pace.frame_ms < PLUGINS_PIECE_MS else deepgram.STT)(**options)
