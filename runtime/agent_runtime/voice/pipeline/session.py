"""The pipeline of a call from an agent's configuration: STT, VAD, turn detection, LLM, TTS."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable
from typing import Any, Final, cast

from livekit import rtc
from livekit.agents import (
    Agent,
    AgentSession,
    ChatContext,
    JobProcess,
    ModelSettings,
    TurnHandlingOptions,
    inference,
    room_io,
    stt,
    vad,
)

from agent_runtime.agents.model import AgentConfig, TurnTaking
from agent_runtime.agents.profiles import Pace
from agent_runtime.text.markdown import without_markdown
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.livekit_tuning.ffi import start_ffi_client
from agent_runtime.voice.livekit_tuning.inline_executor import InlineExecutor
from agent_runtime.voice.pipeline import fallbacks as stages
from agent_runtime.voice.turns.backchannel import BackchannelFilter
from agent_runtime.voice.turns.endpointing import GradedTurnDetector
from agent_runtime.voice.turns.preemptive import MOST_TRIES, with_preflights
from agent_runtime.voice.turns.vad import VadFilter

logger = logging.getLogger(__name__)

# What speech recognition and the models of voice activity and of turns take: nothing is converted twice.
HEARING_RATE: Final = 16_000  # Hz
# Seconds after a voice that said nothing in which the agent goes on where it paused for it.
RESUMES_AFTER: Final = 0.03
VAD: Final = "bundled_vad"
TURN_DETECTOR: Final = "turn_detector"


def prewarm(process: JobProcess) -> None:
    """Load what every call of this process needs: once, before a caller waits."""
    start_ffi_client()
    process.userdata[VAD] = inference.VAD(executor=InlineExecutor())
    process.userdata[TURN_DETECTOR] = inference.TurnDetector(version="v1-mini")


def build_session(
    config: AgentConfig, pace: Pace, settings: VoiceSettings, process: JobProcess
) -> AgentSession[Any]:
    """Everything streams: each stage works on what the one before has so far.

    Raises KeyMissingError when a provider has no key.
    """
    voice = VadFilter(_voice_activity(config.turns, process))
    return AgentSession(
        stt=stages.speech_to_text(config, pace, settings),
        llm=stages.language_model(config, settings),
        tts=stages.text_to_speech(config, pace, settings),
        vad=voice,
        turn_handling=_turn_handling(config.turns, pace, settings, process, voice),
        tts_text_transforms=[without_markdown, "filter_emoji"],
        # The framework's default deafens the agent for its first three seconds of speech, and a
        # caller who talks over the greeting would not be heard.
        aec_warmup_duration=None,
        # How long a call that is over waits for the transcript of its last words.
        session_close_transcript_timeout=0.5,
        conn_options=stages.connections(config, settings),
    )


class ConfiguredAgent(Agent):
    """Who talks in `session`, after what was said already."""

    def __init__(
        self, config: AgentConfig, pace: Pace, said: ChatContext, session: AgentSession[Any]
    ) -> None:
        super().__init__(instructions=config.system_prompt, chat_ctx=said)
        self._pace = pace
        self._murmurs = BackchannelFilter(session)
        if isinstance(session.vad, VadFilter):
            session.vad.agent_has_floor = self._murmurs.agent_has_floor
            session.vad.answer_is_due = self._murmurs.answer_is_due
            session.vad.answer_has_just_begun = self._murmurs.answer_has_just_begun

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterable[stt.SpeechEvent]:
        """The framework's own, less murmurs; with speculation interim transcripts may start an answer."""
        heard = cast(
            "AsyncIterable[stt.SpeechEvent]", Agent.default.stt_node(self, audio, model_settings)
        )
        meant = self._murmurs.of(heard)
        return with_preflights(meant) if self._pace.preflights else meant


def room_options(pace: Pace) -> room_io.RoomOptions:
    """What of the room the pipeline hears, and how; it speaks through the session's own output."""
    return room_io.RoomOptions(
        audio_output=False,
        audio_input=room_io.AudioInputOptions(
            sample_rate=HEARING_RATE,
            frame_size_ms=pace.frame_ms,
            auto_gain_control=pace.gain_control,
        ),
        # When the call is over is ours to say: a caller may lose the connection and come back.
        close_on_disconnect=False,
    )


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
    turns: TurnTaking, pace: Pace, settings: VoiceSettings, process: JobProcess, voice: VadFilter
) -> TurnHandlingOptions:
    return {
        "turn_detection": _turn_detection(turns, pace, settings, process, voice),
        "endpointing": {"min_delay": pace.min_delay, "max_delay": pace.max_delay},
        "interruption": {
            "enabled": turns.interruptions,
            # Left out, the mode may be a model in the cloud.
            "mode": "vad",
            "min_duration": pace.interrupt_after,
            "min_words": pace.interrupt_words,
            "false_interruption_timeout": RESUMES_AFTER,
        },
        "preemptive_generation": {
            "enabled": True,
            "preemptive_tts": pace.early_speech,
            "max_retries": MOST_TRIES + 1,  # and the one for the final transcript
        },
    }


def _turn_detection(
    turns: TurnTaking, pace: Pace, settings: VoiceSettings, process: JobProcess, voice: VadFilter
) -> Any:
    if turns.detection in ("vad", "stt"):
        return turns.detection
    if turns.detection == "turn-detector":
        if settings.worker.turn_detector_plugin:
            from livekit.plugins.turn_detector.multilingual import MultilingualModel

            return MultilingualModel()
        logger.warning(
            "turn detection turn-detector is not loaded by this worker; using v1-mini. "
            "Set WORKER_TURN_DETECTOR_PLUGIN=true after `agent-runtime worker download-files`"
        )
    detector: inference.TurnDetector = process.userdata[TURN_DETECTOR]
    return GradedTurnDetector(detector, pace.endpointing_steps, lambda: voice.sounded_at)
