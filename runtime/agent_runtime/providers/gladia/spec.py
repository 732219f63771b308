"""Gladia: speech to text."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from agent_runtime.providers.common.option_types import Fraction
from agent_runtime.providers.common.spec import ProviderSpec, Stage, StageSpec, Variable

SPEC: Final = ProviderSpec(
    name="gladia",
    title="Gladia",
    package="livekit-plugins-gladia",
    extra="gladia",
    api_key=Variable(
        "GLADIA_API_KEY",
        "Gladia's API key, for agents with sttProvider gladia that bring none as sttConfig.apiKey.",
        secret=True,
    ),
    base_url=Variable(
        "GLADIA_BASE_URL",
        "Address of Gladia's live transcription. Change it for a proxy.",
        "https://api.gladia.io/v2/live",
        schemes=("http", "https"),
    ),
    stages={
        Stage.STT: StageSpec(
            model=Variable(
                "GLADIA_MODEL",
                "Gladia's model for agents whose sttConfig names no model.",
                "solaria-1",
            ),
            options={
                "api_key": str,
                "base_url": str,
                "bit_depth": Literal[16],
                "channels": Literal[1],
                "code_switching": bool,
                "custom_spelling": dict[str, list[str]],
                "custom_vocabulary": list[str | dict[str, Any]],
                "encoding": Literal["wav/pcm"],
                "endpointing": Annotated[float, Field(ge=0.01, le=10)],
                "energy_filter": bool,
                "interim_results": bool,
                "languages": list[str],
                "maximum_duration_without_endpointing": Annotated[float, Field(ge=5, le=60)],
                "model": str,
                "pre_processing_audio_enhancer": bool,
                "pre_processing_speech_threshold": Fraction,
                "region": Literal["us-west", "eu-west"],
                "sample_rate": Literal[8000, 16000, 32000, 44100, 48000],
                "translation_context": str,
                "translation_context_adaptation": bool,
                "translation_enabled": bool,
                "translation_informal": bool,
                "translation_lipsync": bool,
                "translation_match_original_utterances": bool,
                "translation_model": str,
                "translation_target_languages": list[str],
            },
            objects=frozenset({"http_session"}),
        )
    },
)
