"""Cartesia's plugin: text to speech."""

from __future__ import annotations

from typing import Any

from livekit.agents import tts
from livekit.agents.tokenize import SentenceTokenizer
from livekit.plugins import cartesia

from agent_runtime.providers.cartesia.spec import SPEC
from agent_runtime.providers.common.endpoint import endpoint_of, http_session
from agent_runtime.providers.common.options import known_options
from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults, Stage
from agent_runtime.text.chunker import ChunkTokenizer
from agent_runtime.text.sentences import WholeTagSentences
from agent_runtime.text.streaming import TextStreaming


def text_to_speech(
    choice: ProviderChoice, defaults: ProviderDefaults, *, text_streaming: TextStreaming
) -> tts.TTS[Any]:
    """Build the plugin. Raises KeyMissingError or EgressRefused."""
    endpoint = endpoint_of(SPEC, Stage.TTS, choice, defaults)
    voice = choice.voice_id or defaults.voice
    options = {
        "model": choice.model or defaults.model,
        "api_key": endpoint.api_key,
        "base_url": endpoint.base_url,
        "http_session": http_session(endpoint),
        **({"voice": voice} if voice else {}),
        **({"language": choice.language} if choice.language else {}),
        "tokenizer": _tokenizer(text_streaming),
        **known_options(SPEC, Stage.TTS, choice),
    }
    return cartesia.TTS(**options)


def _tokenizer(streaming: TextStreaming) -> SentenceTokenizer:
    return (
        WholeTagSentences() if streaming is TextStreaming.SENTENCES else ChunkTokenizer(streaming)
    )
