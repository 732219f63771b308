"""ElevenLabs' plugin: speech to text and text to speech."""

from __future__ import annotations

from typing import Any, Final

from livekit.agents import stt, tts
from livekit.plugins import elevenlabs

from agent_runtime.providers.common.endpoint import endpoint_of, http_session
from agent_runtime.providers.common.options import known_options
from agent_runtime.providers.common.recognition import failing_loudly
from agent_runtime.providers.common.spec import (
    MULTI,
    ProviderChoice,
    ProviderDefaults,
    Stage,
    base_language,
)
from agent_runtime.providers.elevenlabs.spec import SPEC
from agent_runtime.text.chunker import ChunkTokenizer
from agent_runtime.text.sentences import WholeTagSentences
from agent_runtime.text.streaming import TextStreaming

# Plain samples at the rate of the room: the default is MP3, which would be decoded while a caller waits.
ENCODING: Final = "pcm_24000"
# Seconds of silence after which the service takes the turn as over; its default is 1.5. The pipeline
# decides when the agent answers, so a short one costs nothing but a split transcript.
SILENCE: Final = 0.3
# Values of voice_settings that the plugin requires, as the service's own defaults have them.
STABILITY: Final = 0.5
SIMILARITY: Final = 0.75


def speech_to_text(
    choice: ProviderChoice,
    defaults: ProviderDefaults,
    *,
    frame_ms: int,  # noqa: ARG001 - the service takes what the plugin collects
) -> stt.STT[Any]:
    """Build the plugin. Raises KeyMissingError or EgressRefused.

    The service finds the end of a turn itself: beside another provider, or with turn detection by the
    transcript, the plugin would never commit what it heard, and no transcript would become final.
    """
    endpoint = endpoint_of(SPEC, Stage.STT, choice, defaults)
    language = base_language(choice.language)
    options = {
        "model": choice.model or defaults.model,
        "api_key": endpoint.api_key,
        "base_url": endpoint.base_url,
        "http_session": http_session(endpoint),
        "server_vad": {"vad_silence_threshold_secs": SILENCE},
        **({"language_code": language} if language and language != MULTI else {}),
        **known_options(SPEC, Stage.STT, choice),
    }
    return failing_loudly(elevenlabs.STT(**options))


def text_to_speech(
    choice: ProviderChoice, defaults: ProviderDefaults, *, text_streaming: TextStreaming
) -> tts.TTS[Any]:
    """Build the plugin. Raises KeyMissingError or EgressRefused.

    The service speaks each piece at once, and speaks phrases well and single words badly.
    """
    endpoint = endpoint_of(SPEC, Stage.TTS, choice, defaults)
    voice = choice.voice_id or defaults.voice
    language = base_language(choice.language)
    options = {
        "model": choice.model or defaults.model,
        "api_key": endpoint.api_key,
        "base_url": endpoint.base_url,
        "http_session": http_session(endpoint),
        "encoding": ENCODING,
        "word_tokenizer": (
            WholeTagSentences()
            if text_streaming is TextStreaming.SENTENCES
            else ChunkTokenizer(TextStreaming.CLAUSES)
        ),
        **({"voice_id": voice} if voice else {}),
        **({"language": language} if language else {}),
        **known_options(SPEC, Stage.TTS, choice),
    }
    settings = dict(options.pop("voice_settings", {}))
    if (speed := options.pop("speed", None)) is not None:
        settings.setdefault("speed", speed)
    if settings:
        options["voice_settings"] = elevenlabs.VoiceSettings(
            **{"stability": STABILITY, "similarity_boost": SIMILARITY, **settings}
        )
    if locators := options.pop("pronunciation_dictionary_locators", None):
        options["pronunciation_dictionary_locators"] = [
            elevenlabs.PronunciationDictionaryLocator(**one) for one in locators
        ]
    return elevenlabs.TTS(**options)
