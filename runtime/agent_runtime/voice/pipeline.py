"""The pipeline of a call from an agent's configuration: STT, VAD, turn detection, LLM, TTS."""

from __future__ import annotations

import logging
from typing import Any, Final

from livekit.agents import (
    Agent,
    AgentSession,
    APIConnectOptions,
    ChatContext,
    JobProcess,
    TurnHandlingOptions,
    inference,
    vad,
)
from livekit.agents.voice.agent_session import SessionConnectOptions

from agent_runtime.config.model import AgentConfig, TurnTaking
from agent_runtime.voice.providers import LLM_BUILDERS, STT_BUILDERS, TTS_BUILDERS
from agent_runtime.voice.settings import VoiceSettings

logger = logging.getLogger(__name__)

# A caller waits: what fails at once is tried again at once, and no try may take long. Whether to go on
# after that is for voice/rescue.py to say, not for the framework's own count of errors.
_PATIENCE: Final = APIConnectOptions(max_retry=2, retry_interval=0.5, timeout=5.0)
CONNECTIONS: Final = SessionConnectOptions(
    stt_conn_options=APIConnectOptions(max_retry=3, retry_interval=0.5, timeout=3.0),
    llm_conn_options=_PATIENCE,
    tts_conn_options=_PATIENCE,
    max_unrecoverable_errors=100,
)
VAD: Final = "bundled_vad"
TURN_DETECTOR: Final = "turn_detector"


def prewarm(process: JobProcess) -> None:
    """Load what every call of this process needs: once, before a caller waits."""
    process.userdata[VAD] = inference.VAD()
    process.userdata[TURN_DETECTOR] = inference.TurnDetector(version="v1-mini")


def build_session(
    config: AgentConfig, settings: VoiceSettings, process: JobProcess
) -> AgentSession[Any]:
    """Everything streams: each stage works on what the one before has so far.

    Raises KeyMissingError when a provider has no key.
    """
    return AgentSession(
        stt=STT_BUILDERS[config.stt.provider](config, settings),
        llm=LLM_BUILDERS[config.llm.provider](config, settings),
        tts=TTS_BUILDERS[config.tts.provider](config, settings),
        vad=_voice_activity(config.turns, process),
        turn_handling=_turn_handling(config.turns, settings, process),
        # The framework's default deafens the agent for its first three seconds of speech, and a
        # caller who talks over the greeting would not be heard.
        aec_warmup_duration=None,
        # How long a call that is over waits for the transcript of its last words.
        session_close_transcript_timeout=0.5,
        conn_options=CONNECTIONS,
    )


def build_agent(config: AgentConfig, said: ChatContext) -> Agent:
    """Who talks, after what was said already."""
    return Agent(instructions=config.system_prompt, chat_ctx=said)


def _voice_activity(turns: TurnTaking, process: JobProcess) -> vad.VAD:
    if turns.vad == "silero":
        from livekit.plugins import silero

        if "silero" not in process.userdata:
            process.userdata["silero"] = silero.VAD.load()
        loaded: vad.VAD = process.userdata["silero"]
        return loaded
    bundled: vad.VAD = process.userdata[VAD]
    return bundled


def _turn_handling(
    turns: TurnTaking, settings: VoiceSettings, process: JobProcess
) -> TurnHandlingOptions:
    options: TurnHandlingOptions = {
        "turn_detection": _turn_detection(turns, settings, process),
        # Left out, the mode may be a model in the cloud.
        "interruption": {"enabled": turns.interruptions, "mode": "vad"},
    }
    endpointing: dict[str, float] = {}
    if turns.min_delay is not None:
        endpointing["min_delay"] = turns.min_delay
    if turns.max_delay is not None:
        endpointing["max_delay"] = turns.max_delay
    if endpointing:
        options["endpointing"] = endpointing  # type: ignore[typeddict-item]
    return options


def _turn_detection(turns: TurnTaking, settings: VoiceSettings, process: JobProcess) -> Any:
    if turns.detection in ("vad", "stt"):
        return turns.detection
    if turns.detection == "turn-detector":
        if settings.turn_detector_plugin:
            from livekit.plugins.turn_detector.multilingual import MultilingualModel

            return MultilingualModel()
        logger.warning(
            "turn detection turn-detector is not loaded by this worker; using v1-mini. "
            "Set WORKER_TURN_DETECTOR_PLUGIN=true after `agent-runtime worker download-files`"
        )
    return process.userdata[TURN_DETECTOR]
