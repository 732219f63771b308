"""ElevenLabs: speech to text and text to speech."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from agent_runtime.providers.common.option_types import CountingInt, Fraction, PositiveInt
from agent_runtime.providers.common.spec import ProviderSpec, Stage, StageSpec, Variable

# The one model that recognises while the caller speaks.
STREAMING_STT: Final = "scribe_v2_realtime"


def conflicts(model: str | None, _options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and fault of the model when it does not stream: a call would wait for each whole turn."""
    if model and model != STREAMING_STT:
        yield "model", f"{model} does not stream; use {STREAMING_STT}"


SPEC: Final = ProviderSpec(
    name="elevenlabs",
    title="ElevenLabs",
    package="livekit-plugins-elevenlabs",
    extra="elevenlabs",
    api_key=Variable(
        "ELEVEN_API_KEY",
        "ElevenLabs' API key, for agents that use elevenlabs and bring no apiKey of their own.",
        secret=True,
    ),
    base_url=Variable(
        "ELEVEN_BASE_URL",
        "Address of ElevenLabs' API. Change it for a proxy or another region.",
        "https://api.elevenlabs.io/v1",
        schemes=("http", "https"),
    ),
    stages={
        Stage.STT: StageSpec(
            model=Variable(
                "ELEVEN_STT_MODEL",
                "ElevenLabs' recognition model for agents whose sttConfig names no model.",
                STREAMING_STT,
            ),
            options={
                "api_key": str,
                "audio_chunk_duration_ms": PositiveInt,
                "base_url": str,
                "enable_logging": bool,
                "include_language_detection": bool,
                "include_timestamps": bool,
                "keyterms": list[str],
                "language_code": str,
                "model": str,
                "no_verbatim": bool,
                "previous_text": str,
                "sample_rate": Literal[8000, 16000, 22050, 24000, 44100, 48000],
                "secondary_languages": list[str],
                "server_vad": dict[str, float | int | None] | None,
                "tag_audio_events": bool,
            },
            # Older names of the model.
            objects=frozenset({"http_session", "model_id", "use_realtime"}),
            conflicts=conflicts,
        ),
        Stage.TTS: StageSpec(
            model=Variable(
                "ELEVEN_TTS_MODEL",
                "ElevenLabs' voice model for agents whose ttsConfig names no model.",
                "eleven_turbo_v2_5",
            ),
            voice=Variable(
                "ELEVEN_VOICE_ID",
                "ElevenLabs' voice for agents without a voiceId; empty takes the plugin's default voice.",
            ),
            options={
                "api_key": str,
                "apply_language_text_normalization": bool,
                "apply_text_normalization": Literal["auto", "off", "on"],
                "auto_mode": bool,
                "base_url": str,
                "chunk_length_schedule": list[Annotated[int, Field(ge=50, le=500)]],
                "enable_logging": bool,
                "enable_ssml_parsing": bool,
                "encoding": Literal[
                    "pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_32000", "pcm_44100"
                ],
                "inactivity_timeout": PositiveInt,
                "language": str,
                "model": str,
                "preferred_alignment": Literal["normalized", "original"],
                "pronunciation_dictionary_locators": list[dict[str, str]],
                # Of voice_settings, under the name that other providers have.
                "speed": Annotated[float, Field(ge=0.7, le=1.2)],
                "streaming_latency": CountingInt,
                "sync_alignment": bool,
                "voice_id": str,
                "voice_settings": dict[str, Fraction | bool | float],
            },
            objects=frozenset({"http_session", "word_tokenizer"}),
        ),
    },
)
