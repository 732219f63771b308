"""Builds a call's pipeline, LiveKit's AgentSession, from an agent's configuration.

Its parts are speech recognition, VAD, turn detection, language model and speech synthesis.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
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
    llm,
    room_io,
    stt,
    vad,
)

from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.profiles import Pace
from agent_runtime.text.markdown import without_markdown
from agent_runtime.text.words import spoken_words
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.jobs.worker_watch import end_with_worker
from agent_runtime.voice.livekit_tuning.ffi import start_ffi_client
from agent_runtime.voice.livekit_tuning.inline_executor import InlineExecutor
from agent_runtime.voice.livekit_tuning.transcripts import send_text_streams_only
from agent_runtime.voice.pipeline.fallbacks import (
    connect_options,
    language_model,
    speech_to_text,
    text_to_speech,
)
from agent_runtime.voice.turns.backchannel import BackchannelFilter
from agent_runtime.voice.turns.endpointing import GradedTurnDetector
from agent_runtime.voice.turns.floor import Floor
from agent_runtime.voice.turns.preemptive import MAX_PREFLIGHTS, with_preflights
from agent_runtime.voice.turns.vad import VadFilter

logger = logging.getLogger(__name__)

# Hz; what speech recognition, the VAD and the turn detector take, so that no frame is resampled twice.
INPUT_RATE: Final = 16_000
# Seconds after a voice without words in which the agent goes on where it paused for it.
FALSE_INTERRUPTION_TIMEOUT: Final = 0.03
# Keys of what `prewarm` leaves in a process.
VAD: Final = "bundled_vad"
TURN_DETECTOR: Final = "turn_detector"


def prewarm(process: JobProcess) -> None:
    """Load what every call of this process needs: once, before a caller waits."""
    end_with_worker()
    start_ffi_client()
    send_text_streams_only()
    process.userdata[VAD] = inference.VAD(executor=InlineExecutor())
    process.userdata[TURN_DETECTOR] = inference.TurnDetector(version="v1-mini")


def build_session(
    config: AgentConfig, pace: Pace, floor: Floor, settings: VoiceSettings, process: JobProcess
) -> AgentSession[Any]:
    """Build the session, and let `floor` listen to it.

    Every part streams: it works on what the part before it has so far.

    Raises KeyMissingError when a provider has no key.
    """
    session: AgentSession[Any] = AgentSession(
        stt=speech_to_text(config, pace, settings),
        llm=language_model(config, settings),
        tts=text_to_speech(config, pace, settings),
        vad=VadFilter(_vad(config, process), floor),
        turn_handling=_turn_handling(config, pace, floor, settings, process),
        tts_text_transforms=[without_markdown, "filter_emoji"],
        # The framework's default deafens the agent for its first three seconds of speech, and a
        # caller who talks over the greeting would not be heard.
        aec_warmup_duration=None,
        # Seconds that a finished call waits for the transcript of its last words.
        session_close_transcript_timeout=0.5,
        conn_options=connect_options(config, settings),
    )
    floor.listen_to(session)
    return session


class ConfiguredAgent(Agent):
    """The agent that talks in `session`; `history` is the conversation before it.

    `on_answer(has_words)` is called with true when the text of an answer or greeting begins, and with false
    when it has ended and holds nothing to say.
    """

    def __init__(
        self,
        config: AgentConfig,
        pace: Pace,
        history: ChatContext,
        session: AgentSession[Any],
        floor: Floor,
        on_answer: Callable[[bool], None] = lambda _has_words: None,
        tools: Sequence[llm.Tool] = (),
    ) -> None:
        super().__init__(instructions=config.system_prompt, chat_ctx=history, tools=[*tools])
        self._pace = pace
        self._on_answer = on_answer
        self._backchannels = BackchannelFilter(session, floor)

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterable[stt.SpeechEvent]:
        """The framework's own node, without backchannels and, where the pace says so, with preflights."""
        events = cast(
            "AsyncIterable[stt.SpeechEvent]", Agent.default.stt_node(self, audio, model_settings)
        )
        turns = self._backchannels.filter(events)
        return with_preflights(turns) if self._pace.preflights else turns

    def tts_node(
        self, text: AsyncIterable[str], model_settings: ModelSettings
    ) -> AsyncIterator[rtc.AudioFrame]:
        """The framework's own node, which gets no text that has nothing to say."""
        self._on_answer(True)
        return spoken_words(
            text,
            lambda words: Agent.default.tts_node(self, words, model_settings),
            lambda: self._on_answer(False),
        )


def room_options(
    pace: Pace,
    *,
    links: str = "",
    transcribes: bool = True,
    noise: rtc.NoiseCancellationOptions | rtc.FrameProcessor[rtc.AudioFrame] | None = None,
) -> room_io.RoomOptions:
    """How the session takes the caller's sound; the agent's voice has an output of its own.

    The session listens to the participant `links` until it is told to listen to another one. Without
    `transcribes` no text of either side is sent into the room. `noise` takes noise out of the sound.
    """
    return room_io.RoomOptions(
        audio_output=False,
        audio_input=room_io.AudioInputOptions(
            sample_rate=INPUT_RATE,
            frame_size_ms=pace.frame_ms,
            auto_gain_control=pace.gain_control,
            noise_cancellation=noise,
        ),
        # The call decides when it is over: a caller may lose the connection and come back.
        close_on_disconnect=False,
        participant_identity=links,
        text_output=transcribes,
        # What a caller writes is bounded: a companion reads it where the agent wants it.
        text_input=False,
    )


def _vad(config: AgentConfig, process: JobProcess) -> vad.VAD:
    if config.vad.provider == "silero":
        from livekit.plugins import silero

        if "silero" not in process.userdata:
            process.userdata["silero"] = silero.VAD.load()
        loaded: vad.VAD = process.userdata["silero"]
        return loaded
    bundled: vad.VAD = process.userdata[VAD]
    return bundled


def _turn_handling(
    config: AgentConfig, pace: Pace, floor: Floor, settings: VoiceSettings, process: JobProcess
) -> TurnHandlingOptions:
    return {
        "turn_detection": _turn_detection(config.turns.provider, pace, floor, settings, process),
        "endpointing": {"min_delay": pace.min_delay, "max_delay": pace.max_delay},
        "interruption": {
            "enabled": config.interruptions,
            # If unset, LiveKit may choose its cloud model.
            "mode": "vad",
            "min_duration": pace.interrupt_after,
            "min_words": pace.interrupt_words,
            "false_interruption_timeout": FALSE_INTERRUPTION_TIMEOUT,
        },
        "preemptive_generation": {
            "enabled": True,
            "preemptive_tts": pace.early_speech,
            "max_retries": MAX_PREFLIGHTS + 1,  # and the one for the final transcript
        },
    }


def _turn_detection(
    provider: str, pace: Pace, floor: Floor, settings: VoiceSettings, process: JobProcess
) -> Any:
    if provider in ("vad", "stt"):
        return provider
    if provider == "turn-detector":
        if settings.worker.turn_detector_plugin:
            from livekit.plugins.turn_detector.multilingual import MultilingualModel

            return MultilingualModel()
        logger.warning(
            "turn detection turn-detector is not loaded by this worker; using v1-mini. "
            "Set WORKER_TURN_DETECTOR_PLUGIN=true after `agent-runtime worker download-files`"
        )
    detector: inference.TurnDetector = process.userdata[TURN_DETECTOR]
    return GradedTurnDetector(detector, pace.endpointing_steps, floor)
