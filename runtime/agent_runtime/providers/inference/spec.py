"""LiveKit Inference: the models of several vendors with one key, at LiveKit's cloud."""

from typing import Any, Final

from agent_runtime.providers.common.spec import ProviderSpec, Stage, StageSpec, Variable

_EXTRA: Final = {"extra_kwargs": dict[str, Any], "language": str, "model": str}
# Arguments that hold objects, another account, or what the pipeline does itself.
_OBJECTS: Final = frozenset(
    {"api_key", "api_secret", "base_url", "conn_options", "fallback", "http_session"}
)

SPEC: Final = ProviderSpec(
    name="inference",
    title="LiveKit Inference",
    package="livekit-agents",
    takes_agents_keys=False,
    api_key=Variable(
        "LIVEKIT_INFERENCE_API_KEY",
        "Key of LiveKit Inference. Empty takes LIVEKIT_API_KEY where LIVEKIT_URL is LiveKit's cloud.",
        secret=True,
    ),
    api_secret=Variable(
        "LIVEKIT_INFERENCE_API_SECRET",
        "Secret of LIVEKIT_INFERENCE_API_KEY.",
        secret=True,
    ),
    base_url=Variable(
        "LIVEKIT_INFERENCE_URL",
        "Address of LiveKit Inference.",
        "https://agent-gateway.livekit.cloud/v1",
        schemes=("http", "https"),
    ),
    stages={
        Stage.STT: StageSpec(
            model=Variable(
                "INFERENCE_STT_MODEL",
                "Recognition model of LiveKit Inference for agents whose sttConfig names no model.",
                "deepgram/nova-3",
            ),
            options={**_EXTRA, "encoding": str, "sample_rate": int},
            objects=_OBJECTS | {"vad"},
        ),
        Stage.LLM: StageSpec(
            model=Variable(
                "INFERENCE_LLM_MODEL",
                "Language model of LiveKit Inference for agents that have no llmModel.",
                "openai/gpt-4.1-mini",
            ),
            options={"extra_kwargs": dict[str, Any], "model": str},
            objects=frozenset(
                {
                    "api_key",
                    "api_secret",
                    "base_url",
                    "inference_class",
                    "prompt_cache_breakpoints",
                    "provider",
                }
            ),
        ),
        Stage.TTS: StageSpec(
            model=Variable(
                "INFERENCE_TTS_MODEL",
                "Voice model of LiveKit Inference for agents whose ttsConfig names no model.",
                "cartesia/sonic-3",
            ),
            voice=Variable(
                "INFERENCE_VOICE_ID",
                "Voice for agents that use LiveKit Inference and have no voiceId; empty takes the model's.",
            ),
            options={**_EXTRA, "encoding": str, "sample_rate": int, "voice": str},
            objects=_OBJECTS,
        ),
    },
)
