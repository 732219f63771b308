"""Cartesia: text to speech."""

from typing import Final

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
            options=frozenset(
                {
                    "add_phoneme_timestamps",
                    "api_key",
                    "api_version",
                    "base_url",
                    "emotion",
                    "encoding",
                    "language",
                    "model",
                    "pronunciation_dict_id",
                    "sample_rate",
                    "speed",
                    "text_pacing",
                    "use_normalized_timestamps",
                    "voice",
                    "volume",
                    "word_timestamps",
                }
            ),
        )
    },
)
