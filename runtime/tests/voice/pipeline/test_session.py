"""A pipeline from a configuration: the real plugins, as the agent and the settings ask for them."""

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
from agent_runtime.agents.model import AgentConfig, Profile
from agent_runtime.agents.profiles import PACES, pace_of
from agent_runtime.providers.common.options import KeyMissingError
from agent_runtime.providers.openai.plugin import authorities
from agent_runtime.providers.plugins import LLM_BUILDERS, STT_BUILDERS, TTS_BUILDERS
from agent_runtime.providers.registry import PROVIDERS, Stage
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.pipeline import session as pipeline
from agent_runtime.voice.pipeline.session import (
    ConfiguredAgent,
    build_session,
    prewarm,
    room_options,
)
from agent_runtime.voice.turns.backchannel import BackchannelFilter
from agent_runtime.voice.turns.endpointing import GradedTurnDetector
from agent_runtime.voice.turns.vad import VadFilter


@pytest.fixture(scope="module")
def process() -> JobProcess:
    """A warm process."""
    made = JobProcess(executor_type=JobExecutorType.THREAD, user_arguments=None, http_proxy=None)
    prewarm(made)
    return made


def built(config: AgentConfig, settings: VoiceSettings, process: JobProcess) -> AgentSession[Any]:
    """As a call builds it."""
    return build_session(config, pace_of(config, settings.worker.profile), settings, process)


async def test_the_defaults_are_the_documented_ones(
    process: JobProcess, voice_settings: VoiceSettings
) -> None:
    """Deepgram, OpenAI, Cartesia with the settings' models; what prewarm loaded is used."""
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
    """Model and voice of the configuration are used instead of the settings'."""
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
    """Its address and key; failures go to the pipeline, and what was read before the call is used."""
    config = parse_registered({"llmConfig": {"baseUrl": "https://other/v1", "apiKey": "own"}})
    session = built(config, voice_settings, process)
    assert isinstance(session.llm, openai.LLM)
    client = session.llm._client
    assert (str(client.base_url), client.api_key) == ("https://other/v1/", "own")
    assert client.max_retries == 0
    transport: Any = client._client._transport
    assert transport._pool._ssl_context is authorities()
    assert transport._pool._keepalive_expiry == 120  # callers think


def test_every_provider_of_the_catalogue_can_be_built() -> None:
    """What registering accepts the worker has a builder for, and nothing is hidden."""
    assert set(PROVIDERS[Stage.STT]) == set(STT_BUILDERS)
    assert set(PROVIDERS[Stage.LLM]) == set(LLM_BUILDERS)
    assert set(PROVIDERS[Stage.TTS]) == set(TTS_BUILDERS)


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("deepgram", "set DEEPGRAM_API_KEY, or sttConfig.apiKey"),
        ("openai", "set OPENAI_API_KEY, or llmConfig.apiKey"),
        ("cartesia", "set CARTESIA_API_KEY, or ttsConfig.apiKey"),
    ],
)
async def test_a_missing_key_is_named_with_both_remedies(
    process: JobProcess,
    voice_settings: VoiceSettings,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    words: str,
) -> None:
    """Neither the setting nor the agent has a key: both are named; the agent's own key heals it."""
    monkeypatch.delenv(f"{stage.upper()}_API_KEY", raising=False)
    provider = replace(getattr(voice_settings, stage), api_key="")
    settings = replace(voice_settings, **{stage: provider})
    with pytest.raises(KeyMissingError, match=words):
        built(parse_registered({}), settings, process)
    field = words.rsplit(" ", 1)[1].split(".")[0]
    built(parse_registered({field: {"apiKey": "own"}}), settings, process)


async def test_an_option_that_the_plugin_does_not_know_is_told_and_left_out(
    process: JobProcess, voice_settings: VoiceSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """A known option reaches the plugin; another one is a warning, not a failed call."""
    config = parse_registered({"sttConfig": {"punctuate": False, "flavour": "mint"}})
    with caplog.at_level(logging.WARNING):
        session = built(config, voice_settings, process)
    assert isinstance(session.stt, deepgram.STT)
    assert session.stt._opts.punctuate is False
    assert "flavour" in caplog.text


async def test_the_first_language_is_heard_and_spoken(
    process: JobProcess, voice_settings: VoiceSettings
) -> None:
    """A German agent hears and speaks German, unless a stage says otherwise."""
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
    """And found by VAD, never by a model in the cloud."""
    session = built(parse_registered(given), voice_settings, process)
    interruption = session.options.interruption
    assert interruption["enabled"] is expected
    assert interruption["mode"] == "vad"


async def test_delays_are_the_agent_s(process: JobProcess, voice_settings: VoiceSettings) -> None:
    """The agent's turnDetectionConfig says how long the agent waits before it answers, in seconds."""
    config = parse_registered({"turnDetectionConfig": {"minDelay": 0.1, "maxDelay": 1.5}})
    endpointing = built(config, voice_settings, process).options.endpointing
    assert (endpointing["min_delay"], endpointing["max_delay"]) == (0.1, 1.5)


async def test_other_vad_and_turn_detection_can_be_chosen(
    process: JobProcess, voice_settings: VoiceSettings
) -> None:
    """The Silero plugin, and turn ends by VAD alone."""
    config = parse_registered(
        {"vadConfig": {"provider": "silero"}, "turnDetectionConfig": {"provider": "vad"}}
    )
    session = built(config, voice_settings, process)
    assert isinstance(session.vad, VadFilter)
    assert isinstance(session.vad.inner, silero.VAD)
    assert session.turn_detection == "vad"


async def test_voice_activity_knows_who_has_the_floor(
    process: JobProcess, voice_settings: VoiceSettings
) -> None:
    """From who talks in the session."""
    config = parse_registered({})
    session = built(config, voice_settings, process)
    ConfiguredAgent(config, PACES[Profile.BALANCED], ChatContext(), session)
    assert isinstance(session.vad, VadFilter)
    told_by = {
        type(getattr(ask, "__self__", None))
        for ask in (
            session.vad.agent_has_floor,
            session.vad.answer_is_due,
            session.vad.answer_has_just_begun,
        )
    }
    assert told_by == {BackchannelFilter}


async def test_the_turn_detector_plugin_falls_back_when_it_is_not_loaded(
    process: JobProcess, voice_settings: VoiceSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """Chosen but not loaded by this worker, v1-mini is used and the log says which setting loads it."""
    config = parse_registered({"turnDetectionConfig": {"provider": "turn-detector"}})
    with caplog.at_level(logging.WARNING):
        session = built(config, voice_settings, process)
    assert isinstance(session.turn_detection, GradedTurnDetector)
    assert "WORKER_TURN_DETECTOR_PLUGIN=true" in caplog.text


def test_the_dense_profile_hears_in_larger_pieces_as_loud_as_they_come() -> None:
    """What the others spend on the caller's sound is saved there."""
    heard = {profile: room_options(PACES[profile]).get_audio_input_options() for profile in Profile}
    settings = {
        profile: options and (options.frame_size_ms, options.auto_gain_control)
        for profile, options in heard.items()
    }
    assert settings == {
        Profile.FAST: (20, True),
        Profile.BALANCED: (20, True),
        Profile.DENSE: (50, False),
    }


def test_a_job_process_starts_the_native_client_before_its_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While it waits for one; joining the room would cost twice as much else."""
    started: list[bool] = []
    monkeypatch.setattr(pipeline, "start_ffi_client", lambda: started.append(True))
    prewarm(JobProcess(executor_type=JobExecutorType.PROCESS, user_arguments=None, http_proxy=None))
    assert started == [True]


async def test_voice_activity_of_a_call_needs_no_thread() -> None:
    """To wake one takes five times as long as the judgement, thirty times a second."""
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
