"""One module a provider. Builders by stage and by the catalogue's name for the provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from livekit.agents import llm, stt, tts

from agent_runtime.agents.profiles import Pace
from agent_runtime.providers.cartesia.plugin import text_to_speech as cartesia
from agent_runtime.providers.common.spec import ProviderChoice
from agent_runtime.providers.deepgram.plugin import speech_to_text as deepgram
from agent_runtime.providers.openai.plugin import language_model as openai
from agent_runtime.voice.jobs.settings import VoiceSettings

# Each takes its own part of the settings, and raises KeyMissingError.
STT_BUILDERS: Final[Mapping[str, Callable[[ProviderChoice, Pace, VoiceSettings], stt.STT[Any]]]] = {
    "deepgram": deepgram,
}
LLM_BUILDERS: Final[
    Mapping[str, Callable[[ProviderChoice, float | None, VoiceSettings], llm.LLM[Any]]]
] = {
    "openai": openai,
}
TTS_BUILDERS: Final[Mapping[str, Callable[[ProviderChoice, Pace, VoiceSettings], tts.TTS[Any]]]] = {
    "cartesia": cartesia,
}
