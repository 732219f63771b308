"""Speech recognition, language model and speech synthesis, each with the fallback chain of its agent.

Where an agent names fallbacks the framework's adapters hold the chain. An adapter asks the next provider as
soon as one fails, instead of the same one again, and retries the failed one in the background until it
answers. Speech recognition stays with the provider that took over until that one fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from livekit.agents import APIConnectOptions, inference, llm, stt, tts
from livekit.agents.voice.agent_session import SessionConnectOptions

from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.profiles import Pace
from agent_runtime.providers import registry
from agent_runtime.providers.common.spec import ProviderChoice, Stage
from agent_runtime.providers.way_out import resolved
from agent_runtime.voice.jobs.settings import VoiceSettings

# A caller waits: a request that fails at once is retried at once, and no attempt may take long.
# Seconds of one attempt, at most.
LONGEST_ATTEMPT: Final = 5.0
# Seconds to connect to speech recognition, at most: nothing is recognised meanwhile.
LONGEST_CONNECT: Final = 3.0
# Seconds between two attempts.
RETRY_INTERVAL: Final = 0.5


def speech_to_text(config: AgentConfig, pace: Pace, settings: VoiceSettings) -> stt.STT[Any]:
    """The agent's speech recognition. Raises KeyMissingError when a provider has no key."""
    defaults = settings.providers[Stage.STT]
    built = [
        registry.speech_to_text(one.provider)(one, defaults[one.provider], frame_ms=pace.frame_ms)
        for one in _served(Stage.STT, config.stt, settings)
    ]
    if len(built) == 1:
        return built[0]
    # A plugin that hears whole turns only needs to know when they end.
    streams = all(one.capabilities.streaming for one in built)
    return stt.FallbackAdapter(
        built,
        vad=None if streams else inference.VAD(),
        attempt_timeout=_attempt_timeout(config.stt, settings),
        max_retry_per_stt=0,
    )


def language_model(config: AgentConfig, settings: VoiceSettings) -> llm.LLM[Any]:
    """The agent's language model. Raises KeyMissingError when a provider has no key."""
    defaults = settings.providers[Stage.LLM]
    built = [
        registry.language_model(one.provider)(
            _bounded(one, config.max_answer_tokens or settings.worker.max_answer_tokens),
            defaults[one.provider],
            temperature=config.temperature,
        )
        for one in _served(Stage.LLM, config.llm, settings)
    ]
    if len(built) == 1:
        return built[0]
    return llm.FallbackAdapter(
        built, attempt_timeout=_attempt_timeout(config.llm, settings), max_retry_per_llm=0
    )


def text_to_speech(config: AgentConfig, pace: Pace, settings: VoiceSettings) -> tts.TTS[Any]:
    """The agent's speech synthesis. Raises KeyMissingError when a provider has no key."""
    defaults = settings.providers[Stage.TTS]
    built = [
        registry.text_to_speech(one.provider)(
            one, defaults[one.provider], text_streaming=pace.text_streaming
        )
        for one in _served(Stage.TTS, config.tts, settings)
    ]
    return built[0] if len(built) == 1 else tts.FallbackAdapter(built, max_retry_per_tts=0)


def connect_options(config: AgentConfig, settings: VoiceSettings) -> SessionConnectOptions:
    """How often the session retries, and how long an attempt may take; a whole chain is one attempt.

    The silence watchdog decides whether a call goes on after that, not the framework's count of errors.
    """
    return SessionConnectOptions(
        stt_conn_options=APIConnectOptions(
            max_retry=3, retry_interval=RETRY_INTERVAL, timeout=LONGEST_CONNECT
        ),
        llm_conn_options=APIConnectOptions(
            max_retry=2, retry_interval=RETRY_INTERVAL, timeout=LONGEST_ATTEMPT
        ),
        tts_conn_options=APIConnectOptions(
            max_retry=2,
            retry_interval=RETRY_INTERVAL,
            timeout=_attempt_timeout(config.tts, settings),
        ),
        max_unrecoverable_errors=100,
    )


def _served(
    stage: Stage, choice: ProviderChoice, settings: VoiceSettings
) -> Iterator[ProviderChoice]:
    """The chain, with LiveKit Inference in place of what this worker lacks."""
    for one in _chain(choice):
        yield resolved(stage, one, settings.providers[stage])


def _chain(choice: ProviderChoice) -> tuple[ProviderChoice, ...]:
    return (choice, *choice.fallbacks)


def _bounded(choice: ProviderChoice, most_tokens: int) -> ProviderChoice:
    """The choice with this bound of an answer, unless it has one, or its provider knows none."""
    options = registry.specs()[choice.provider].stages[Stage.LLM].options
    has_one = choice.extra.keys() & {"max_tokens", "max_completion_tokens"}
    if not most_tokens or has_one or "max_tokens" not in options:
        return choice
    return replace(choice, extra={**choice.extra, "max_tokens": most_tokens})


def _attempt_timeout(choice: ProviderChoice, settings: VoiceSettings) -> float:
    """Seconds for each provider of a chain, so that the last one is asked before a fallback clip plays."""
    if not choice.fallbacks or not settings.worker.silence:
        return LONGEST_ATTEMPT
    return min(LONGEST_ATTEMPT, settings.worker.silence / len(_chain(choice)))
