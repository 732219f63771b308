"""Deepgram: speech to text."""

from typing import Final

from agent_runtime.providers.common.spec import ProviderSpec, Stage, StageSpec, Variable

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
            options=frozenset(
                {
                    "api_key",
                    "base_url",
                    "detect_language",
                    "dictation",
                    "enable_diarization",
                    "endpointing_ms",
                    "filler_words",
                    "interim_results",
                    "keyterm",
                    "keyterms",
                    "keywords",
                    "language",
                    "mip_opt_out",
                    "model",
                    "no_delay",
                    "numerals",
                    "profanity_filter",
                    "punctuate",
                    "redact",
                    "replace",
                    "sample_rate",
                    "search",
                    "smart_format",
                    "tags",
                    "utterance_end_ms",
                    "vad_events",
                }
            ),
        )
    },
)
