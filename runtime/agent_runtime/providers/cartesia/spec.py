"""Cartesia: text to speech."""

from typing import Final, Literal

from agent_runtime.providers.common.option_types import PositiveInt
from agent_runtime.providers.common.spec import ProviderSpec, Stage, StageSpec, Variable

SPEC: Final = ProviderSpec(
    name="cartesia",
    title="Cartesia",
    package="livekit-plugins-cartesia",
    api_key=Variable(
        "CARTESIA_API_KEY",
        "Cartesia's API key. Set it unless every agent brings its own as ttsConfig.apiKey.",
        secret=True,
    ),
    base_url=Variable(
        "CARTESIA_BASE_URL",
        "Address of Cartesia's API. Change it for a proxy.",
        "https://api.cartesia.ai",
        schemes=("http", "https"),
    ),
    stages={
        Stage.TTS: StageSpec(
            model=Variable(
                "TTS_MODEL",
                "Cartesia's model for agents whose ttsConfig names no model.",
                "sonic",
            ),
            voice=Variable(
                "TTS_VOICE_ID",
                "Cartesia's voice for agents without a voiceId; empty takes the plugin's default voice.",
            ),
            options={
                "add_phoneme_timestamps": bool,
                "api_key": str,
                "api_version": str,
                "base_url": str,
                "emotion": str | list[str],
                "encoding": Literal["pcm_s16le"],
                "language": str,
                "model": str,
                "pronunciation_dict_id": str,
                "sample_rate": PositiveInt,
                "speed": Literal["fastest", "fast", "normal", "slow", "slowest"] | float,
                "text_pacing": bool,
                "use_normalized_timestamps": bool,
                "voice": str | list[float],
                "volume": float,
                "word_timestamps": bool,
            },
            objects=frozenset({"http_session", "tokenizer"}),
        )
    },
)
