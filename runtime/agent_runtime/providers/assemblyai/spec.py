"""AssemblyAI: speech to text."""

from typing import Annotated, Final, Literal

from pydantic import Field

from agent_runtime.providers.common.option_types import CountingInt, Fraction, PositiveInt
from agent_runtime.providers.common.spec import ProviderSpec, Stage, StageSpec, Variable

SPEC: Final = ProviderSpec(
    name="assemblyai",
    title="AssemblyAI",
    package="livekit-plugins-assemblyai",
    extra="assemblyai",
    api_key=Variable(
        "ASSEMBLYAI_API_KEY",
        "AssemblyAI's API key, for agents with sttProvider assemblyai that bring none as sttConfig.apiKey.",
        secret=True,
    ),
    base_url=Variable(
        "ASSEMBLYAI_BASE_URL",
        "Address of AssemblyAI's streaming API. Change it for a proxy or another region.",
        "wss://streaming.assemblyai.com",
        schemes=("http", "https", "ws", "wss"),
    ),
    stages={
        Stage.STT: StageSpec(
            model=Variable(
                "ASSEMBLYAI_MODEL",
                "AssemblyAI's model for agents whose sttConfig names no model.",
                "universal-3-6-pro",
            ),
            options={
                "agent_context": Annotated[str, Field(max_length=1750)],
                "agent_context_carryover": bool,
                "api_key": str,
                "base_url": str,
                "buffer_size_seconds": Annotated[float, Field(ge=0.05, le=1)],
                "continuous_partials": bool,
                "domain": str,
                "encoding": Literal["pcm_s16le"],
                "end_of_turn_confidence_threshold": Fraction,
                "format_turns": bool,
                "interruption_delay": CountingInt,
                "keyterms_prompt": list[str],
                "language_code": str,
                "language_codes": str | list[str],
                "language_detection": bool,
                "max_speakers": PositiveInt,
                "max_turn_silence": CountingInt,
                "min_end_of_turn_silence_when_confident": CountingInt,
                "min_turn_silence": CountingInt,
                "mode": Literal["min_latency", "balanced", "max_accuracy"],
                "model": str,
                "previous_context_n_turns": CountingInt,
                "prompt": str,
                "sample_rate": PositiveInt,
                "speaker_labels": bool,
                "vad_threshold": Fraction,
                "voice_focus": Literal["near-field", "far-field"],
                "voice_focus_threshold": Fraction,
            },
            objects=frozenset({"http_session"}),
        )
    },
)
