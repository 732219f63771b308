"""Deepgram: speech to text and text to speech."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from agent_runtime.providers.common.option_types import CountingInt, Fraction, PositiveInt
from agent_runtime.providers.common.spec import ProviderSpec, Stage, StageSpec, Variable

# What the plugin for Deepgram's first protocol, /v1/listen, takes.
NOVA_OPTIONS: Final[Mapping[str, Any]] = {
    "api_key": str,
    "base_url": str,
    # A stream needs a language: the plugin refuses to start one that is to detect it.
    "detect_language": Literal[False],
    "dictation": bool,
    "enable_diarization": bool,
    "endpointing_ms": CountingInt,
    "filler_words": bool,
    "interim_results": bool,
    "keyterm": str | list[str],
    "keyterms": list[str],
    "keywords": list[tuple[str, float]],
    "language": str,
    "mip_opt_out": bool,
    "model": str,
    "no_delay": bool,
    "numerals": bool,
    "profanity_filter": bool,
    "punctuate": bool,
    "redact": str | list[str],
    "replace": dict[str, str],
    "sample_rate": PositiveInt,
    "search": list[str],
    "smart_format": bool,
    "tags": list[Annotated[str, Field(max_length=128)]],
    "utterance_end_ms": CountingInt,
    "vad_events": bool,
}
# What the plugin for the second protocol, /v2/listen, takes, which the models called Flux speak.
FLUX_OPTIONS: Final[Mapping[str, Any]] = {
    "api_key": str,
    "audio_chunk_duration_ms": PositiveInt,
    "base_url": str,
    "eager_eot_threshold": Fraction,
    "eot_threshold": Fraction,
    "eot_timeout_ms": PositiveInt,
    "keyterm": str | list[str],
    "keyterms": list[str],
    "language_hint": list[str],
    "mip_opt_out": bool,
    "model": str,
    "numerals": bool,
    "profanity_filter": bool,
    "redact": Literal["numbers", "aggressive_numbers"],
    "sample_rate": PositiveInt,
    "tags": list[Annotated[str, Field(max_length=128)]],
}
_DEFAULT_EOT: Final = 0.7  # eot_threshold of the plugin for Flux


def is_flux(model: str) -> bool:
    """Whether the model speaks the second protocol."""
    return model.strip().lower().startswith("flux")


def conflicts(model: str | None, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and fault of each option that the plugin refuses for this model."""
    if model and is_flux(model):
        if "redact" in options and options["redact"] not in ("numbers", "aggressive_numbers"):
            yield "redact", f'{model} takes "numbers" or "aggressive_numbers" alone'
        eager = options.get("eager_eot_threshold", 0)
        if eager > options.get("eot_threshold", _DEFAULT_EOT):
            yield "eager_eot_threshold", f"is above eot_threshold ({_DEFAULT_EOT} unless set)"


SPEC: Final = ProviderSpec(
    name="deepgram",
    title="Deepgram",
    package="livekit-plugins-deepgram",
    api_key=Variable(
        "DEEPGRAM_API_KEY",
        "Deepgram's API key. Set it unless every agent brings its own as sttConfig.apiKey.",
        secret=True,
    ),
    base_url=Variable(
        "DEEPGRAM_BASE_URL",
        "Address of Deepgram's live transcription. Change it for a proxy or a server of your own.",
        "https://api.deepgram.com/v1/listen",
        schemes=("http", "https", "ws", "wss"),
    ),
    stages={
        Stage.STT: StageSpec(
            model=Variable(
                "STT_MODEL",
                "Deepgram's model for agents whose sttConfig names no model.",
                "nova-3",
            ),
            options={**FLUX_OPTIONS, **NOVA_OPTIONS},
            objects=frozenset({"http_session"}),
            conflicts=conflicts,
        ),
        Stage.TTS: StageSpec(
            model=Variable(
                "DEEPGRAM_TTS_MODEL",
                "Deepgram's voice for agents that name none; Deepgram's models are its voices.",
                "aura-2-andromeda-en",
            ),
            base_url=Variable(
                "DEEPGRAM_TTS_BASE_URL",
                "Address of Deepgram's speech synthesis. Change it for a proxy or a server of your own.",
                "https://api.deepgram.com/v1/speak",
                schemes=("http", "https", "ws", "wss"),
            ),
            options={
                "api_key": str,
                "base_url": str,
                "encoding": Literal["linear16"],
                "mip_opt_out": bool,
                "model": str,
                "sample_rate": Literal[8000, 16000, 24000, 32000, 48000],
                "speed": Annotated[float, Field(ge=0.7, le=1.5)],
            },
            objects=frozenset({"bit_rate", "http_session", "word_tokenizer"}),
        ),
    },
)
