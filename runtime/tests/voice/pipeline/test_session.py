"""The AgentSession of a configuration, with the real plugins."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import AgentSession, ChatContext, JobExecutorType, JobProcess
from livekit.plugins import cartesia, deepgram, openai, silero

from agent_runtime.agents import parse_registered
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.profiles import PACES, pace_of
from agent_runtime.agents.sections import Profile
from agent_runtime.egress.tls import authorities
from agent_runtime.providers.common.options import KeyMissingError
from agent_runtime.providers.common.spec import Stage
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.pipeline import session as pipeline
from agent_runtime.voice.pipeline.session import (
    ConfiguredAgent,
    build_session,
    prewarm,
    room_options,
)
from agent_runtime.voice.turns.endpointing import GradedTurnDetector
from agent_runtime.voice.turns.floor import Floor
from agent_runtime.voice.turns.vad import VadFilter


@pytest.fixture(scope="module")
def process() -> JobProcess:
    """A job process that is prewarmed."""
    made = JobProcess(executor_type=JobExecutorType.THREAD, user_arguments=None, http_proxy=None)
    prewarm(made)
    return made


def built(config: AgentConfig, settings: VoiceSettings, process: JobProcess) -> AgentSession[Any]:
    """The session that a call builds."""
    pace = pace_of(config, settings.worker.profile)
    return build_session(config, pace, Floor(), settings, process)


async def test_the_defaults_are_the_documented_ones(
    process: JobProcess, voice_settings: VoiceSettings
) -> None:
    """An empty configuration gets the three default providers, and the prewarmed VAD and detector."""
    session = built(parse_registered({}), voice_settings, process)
    assert isinstance(session.stt, deepgram.STT)
    assert isinstance(session.llm, openai.LLM)
    assert isinstance(session.tts, cartesia.TTS)
    assert (session.stt.model, session.llm.model) == ("nova-3", "gpt-4o-mini")
    assert isinstance(session.vad, VadFilter)
    assert session.vad.inner in process.userdata.values()
    assert isinstance(session.turn_detection, GradedTurnDetector)
    assert session.turn_detection.inner in process.userdata.values()


async def test_the_agent_s_own_models_win(
    process: JobProcess, voice_settings: VoiceSettings
) -> None:
    """Model and voice of the configuration take precedence over the settings'."""
    config = parse_registered(
        {"sttConfig": {"model": "nova-2"}, "llmModel": "gpt-4.1", "voiceId": "a-voice"}
    )
    session = built(config, voice_settings, process)
    assert isinstance(session.tts, cartesia.TTS)
    assert session.stt is not None
    assert isinstance(session.llm, openai.LLM)
    assert (session.stt.model, session.llm.model) == ("nova-2", "gpt-4.1")
    assert session.tts._opts.voice == "a-voice"


async def test_the_language_model_s_client_is_the_agent_s(
    process: JobProcess, voice_settings: VoiceSettings
) -> None:
    """The model's client has the agent's address and key, the certificates read before, and no retries."""
    config = parse_registered({"llmConfig": {"baseUrl": "https://other/v1", "apiKey": "own"}})
    session = built(config, voice_settings, process)
    assert isinstance(session.llm, openai.LLM)
    client = session.llm._client
    assert (str(client.base_url), client.api_key) == ("https://other/v1/", "own")
    assert client.max_retries == 0
    transport: Any = client._client._transport
    assert transport._pool._ssl_context is authorities()
    assert transport._pool._keepalive_expiry == 120  # callers think


@pytest.mark.parametrize(
    ("stage", "name", "words"),
    [
        (Stage.STT, "deepgram", "set DEEPGRAM_API_KEY, or sttConfig.apiKey"),
        (Stage.LLM, "openai", "set OPENAI_API_KEY, or llmConfig.apiKey"),
        (Stage.TTS, "cartesia", "set CARTESIA_API_KEY, or ttsConfig.apiKey"),
    ],
)
async def test_a_missing_key_is_named_with_both_remedies(
    process: JobProcess,
    voice_settings: VoiceSettings,
    monkeypatch: pytest.MonkeyPatch,
    stage: Stage,
    name: str,
    words: str,
) -> None:
    """Without a key the error names the setting and the agent's field; a key in the field repairs it."""
    monkeypatch.delenv(f"{name.upper()}_API_KEY", raising=False)
    defaults = voice_settings.providers
    without = {name: replace(defaults[stage][name], api_key="")}
    settings = replace(voice_settings, providers={**defaults, stage: without})
    with pytest.raises(KeyMissingError, match=words):
        built(parse_registered({}), settings, process)
    field = words.rsplit(" ", 1)[1].split(".")[0]
    built(parse_registered({field: {"apiKey": "own"}}), settings, process)


async def test_an_option_that_the_plugin_does_not_know_is_logged_and_left_out(
    process: JobProcess, voice_settings: VoiceSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """A known option reaches the plugin; an unknown one is a warning, not a failed call."""
    config = parse_registered({"sttConfig": {"punctuate": False, "flavour": "mint"}})
    with caplog.at_level(logging.WARNING):
        session = built(config, voice_settings, process)
    assert isinstance(session.stt, deepgram.STT)
    assert session.stt._opts.punctuate is False
    assert "flavour" in caplog.text


async def test_the_first_language_is_recognised_and_spoken(
    process: JobProcess, voice_settings: VoiceSettings
) -> None:
    """A German agent recognises and speaks German, unless a provider's configuration names a language."""
    config = parse_registered({"languages": ["de", "en"], "ttsConfig": {"language": "fr"}})
    session = built(config, voice_settings, process)
    assert isinstance(session.stt, deepgram.STT)
    assert isinstance(session.tts, cartesia.TTS)
    assert (session.stt._opts.language, session.tts._opts.language) == ("de", "fr")
    session = built(parse_registered({"languages": ["de"]}), voice_settings, process)
    assert isinstance(session.tts, cartesia.TTS)
    assert session.tts._opts.language == "de"


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, True), ({"interruptionHandling": None}, True), ({"interruptionHandling": False}, False)],
)
async def test_interruptions_are_on_unless_switched_off(
    process: JobProcess, voice_settings: VoiceSettings, given: dict[str, Any], expected: bool
) -> None:
    """Interruptions are on by default, and the VAD detects them, never a model in the cloud."""
    session = built(parse_registered(given), voice_settings, process)
    interruption = session.options.interruption
    assert interruption["enabled"] is expected
    assert interruption["mode"] == "vad"


async def test_delays_are_the_agent_s(process: JobProcess, voice_settings: VoiceSettings) -> None:
    """The agent's turnDetectionConfig sets the endpointing delays, in seconds."""
    config = parse_registered({"turnDetectionConfig": {"minDelay": 0.1, "maxDelay": 1.5}})
    endpointing = built(config, voice_settings, process).options.endpointing
    assert (endpointing["min_delay"], endpointing["max_delay"]) == (0.1, 1.5)


async def test_other_vad_and_turn_detection_can_be_chosen(
    process: JobProcess, voice_settings: VoiceSettings
) -> None:
    """A configuration can choose the Silero plugin, and turn detection by VAD alone."""
    config = parse_registered(
        {"vadConfig": {"provider": "silero"}, "turnDetectionConfig": {"provider": "vad"}}
    )
    session = built(config, voice_settings, process)
    assert isinstance(session.vad, VadFilter)
    assert isinstance(session.vad.inner, silero.VAD)
    assert session.turn_detection == "vad"


async def test_all_who_decide_about_turns_ask_the_same_floor(
    process: JobProcess, voice_settings: VoiceSettings
) -> None:
    """VAD filter, turn detector and backchannel filter have the call's floor, which follows the session."""
    config, floor = parse_registered({}), Floor()
    pace = PACES[Profile.BALANCED]
    session = build_session(config, pace, floor, voice_settings, process)
    agent = ConfiguredAgent(config, pace, ChatContext(), session, floor)
    assert isinstance(session.vad, VadFilter)
    assert isinstance(session.turn_detection, GradedTurnDetector)
    assert session.vad._floor is floor
    assert session.turn_detection._floor is floor
    assert agent._backchannels._floor is floor
    assert floor._session is session


async def test_the_turn_detector_plugin_falls_back_when_it_is_not_loaded(
    process: JobProcess, voice_settings: VoiceSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """A detector that this worker has not loaded is replaced by v1-mini; the log names the setting."""
    config = parse_registered({"turnDetectionConfig": {"provider": "turn-detector"}})
    with caplog.at_level(logging.WARNING):
        session = built(config, voice_settings, process)
    assert isinstance(session.turn_detection, GradedTurnDetector)
    assert "WORKER_TURN_DETECTOR_PLUGIN=true" in caplog.text


def test_the_dense_profile_takes_longer_frames_and_no_gain_control() -> None:
    """Only the dense profile saves the CPU time of short frames and of automatic gain."""
    options = {
        profile: room_options(PACES[profile]).get_audio_input_options() for profile in Profile
    }
    settings = {
        profile: given and (given.frame_size_ms, given.auto_gain_control)
        for profile, given in options.items()
    }
    assert settings == {
        Profile.FAST: (20, True),
        Profile.BALANCED: (20, True),
        Profile.DENSE: (50, False),
    }


def test_a_job_process_starts_the_native_client_before_its_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Prewarming starts the native client: it would double the cost of joining the room."""
    started: list[bool] = []
    monkeypatch.setattr(pipeline, "start_ffi_client", lambda: started.append(True))
    prewarm(JobProcess(executor_type=JobExecutorType.PROCESS, user_arguments=None, http_proxy=None))
    assert started == [True]


async def test_the_vad_of_a_call_needs_no_thread() -> None:
    """The model runs on the event loop: to wake a thread takes five times as long as its judgement."""
    process = JobProcess(
        executor_type=JobExecutorType.PROCESS, user_arguments=None, http_proxy=None
    )
    prewarm(process)
    stream = process.userdata[pipeline.VAD].stream()
    stream.push_frame(rtc.AudioFrame(bytes(3200), 16_000, 1, 1600))
    before = threading.active_count()
    await anext(stream)
    assert threading.active_count() == before
    await stream.aclose()
