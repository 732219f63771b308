"""The stages that providers serve; where an agent names fallbacks, through the framework's adapters.

An adapter asks the next provider as soon as one fails, instead of the same one again, and asks the failed
one in the background until it answers. Speech recognition stays with the one that took over until that
fails.
"""

from __future__ import annotations

from typing import Any, Final

from livekit.agents import APIConnectOptions, llm, stt, tts
from livekit.agents.voice.agent_session import SessionConnectOptions

from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.profiles import Pace
from agent_runtime.providers.common.spec import ProviderChoice
from agent_runtime.providers.plugins import LLM_BUILDERS, STT_BUILDERS, TTS_BUILDERS
from agent_runtime.voice.jobs.settings import VoiceSettings

# A caller waits: what fails at once is tried again at once, and no try may take long.
LONGEST_TRY: Final = 5.0  # seconds
LONGEST_CONNECT: Final = 3.0  # seconds, to speech recognition: nothing is heard meanwhile
PAUSE: Final = 0.5  # seconds between tries


def speech_to_text(config: AgentConfig, pace: Pace, settings: VoiceSettings) -> stt.STT[Any]:
    """Raises KeyMissingError when a provider has no key."""
    built = [STT_BUILDERS[one.provider](one, pace, settings) for one in _chain(config.stt)]
    if len(built) == 1:
        return built[0]
    return stt.FallbackAdapter(
        built, attempt_timeout=_share(config.stt, settings), max_retry_per_stt=0
    )


def language_model(config: AgentConfig, settings: VoiceSettings) -> llm.LLM[Any]:
    """Raises KeyMissingError when a provider has no key."""
    built = [
        LLM_BUILDERS[one.provider](one, config.temperature, settings) for one in _chain(config.llm)
    ]
    if len(built) == 1:
        return built[0]
    return llm.FallbackAdapter(
        built, attempt_timeout=_share(config.llm, settings), max_retry_per_llm=0
    )


def text_to_speech(config: AgentConfig, pace: Pace, settings: VoiceSettings) -> tts.TTS[Any]:
    """Raises KeyMissingError when a provider has no key."""
    built = [TTS_BUILDERS[one.provider](one, pace, settings) for one in _chain(config.tts)]
    return built[0] if len(built) == 1 else tts.FallbackAdapter(built, max_retry_per_tts=0)


def connections(config: AgentConfig, settings: VoiceSettings) -> SessionConnectOptions:
    """How often and how long a stage is tried, all its providers together counting as one try.

    Whether to go on after that is for voice/rescue.py to say, not for the framework's own count of errors.
    """
    return SessionConnectOptions(
        stt_conn_options=APIConnectOptions(
            max_retry=3, retry_interval=PAUSE, timeout=LONGEST_CONNECT
        ),
        llm_conn_options=APIConnectOptions(max_retry=2, retry_interval=PAUSE, timeout=LONGEST_TRY),
        tts_conn_options=APIConnectOptions(
            max_retry=2, retry_interval=PAUSE, timeout=_share(config.tts, settings)
        ),
        max_unrecoverable_errors=100,
    )


def _chain(choice: ProviderChoice) -> tuple[ProviderChoice, ...]:
    return (choice, *choice.fallbacks)


def _share(choice: ProviderChoice, settings: VoiceSettings) -> float:
    """Seconds that each provider of a stage may take, so that the last is asked before the apology."""
    if not choice.fallbacks or not settings.worker.silence:
        return LONGEST_TRY
    return min(LONGEST_TRY, settings.worker.silence / len(_chain(choice)))
