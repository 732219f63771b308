"""OpenAI's plugin: language model, speech to text and text to speech."""

from __future__ import annotations

from typing import Any, Final

from livekit.agents import llm, stt, tts
from livekit.plugins import openai

# The client would load these at its first request, while a caller waits for the first answer.
from openai.lib.streaming import chat as _streaming  # noqa: F401
from openai.resources.chat import chat as _resource  # noqa: F401

from agent_runtime.providers.common.endpoint import endpoint_of, http_session
from agent_runtime.providers.common.options import known_options
from agent_runtime.providers.common.recognition import failing_loudly
from agent_runtime.providers.common.spec import (
    MULTI,
    ProviderChoice,
    ProviderDefaults,
    Stage,
    base_language,
)
from agent_runtime.providers.openai.client import client_of
from agent_runtime.providers.openai.spec import SPEC
from agent_runtime.text.chunker import ChunkTokenizer
from agent_runtime.text.sentences import WholeTagSentences
from agent_runtime.text.streaming import TextStreaming

# Plain samples: the default is MP3, which would be decoded while a caller waits.
RESPONSE_FORMAT: Final = "pcm"


def language_model(
    choice: ProviderChoice, defaults: ProviderDefaults, *, temperature: float | None
) -> llm.LLM[Any]:
    """Build the plugin. Raises KeyMissingError or EgressRefused."""
    endpoint = endpoint_of(SPEC, Stage.LLM, choice, defaults)
    options = {
        "model": choice.model or defaults.model,
        **({"temperature": temperature} if temperature is not None else {}),
        **known_options(SPEC, Stage.LLM, choice),
    }
    if (limit := options.pop("max_tokens", None)) is not None:
        options.setdefault("max_completion_tokens", limit)
    return openai.LLM(client=client_of(endpoint, options.pop("max_retries", 0)), **options)


def speech_to_text(
    choice: ProviderChoice,
    defaults: ProviderDefaults,
    *,
    frame_ms: int,  # noqa: ARG001 - the plugin sends 50 ms a message
) -> stt.STT[Any]:
    """Build the plugin for the streaming protocol. Raises KeyMissingError or EgressRefused."""
    endpoint = endpoint_of(SPEC, Stage.STT, choice, defaults)
    language = base_language(choice.language)
    options = {
        "model": choice.model or defaults.model,
        "use_realtime": True,
        **({"language": language} if language and language != MULTI else {}),
        **({"detect_language": True} if language == MULTI else {}),
        **known_options(SPEC, Stage.STT, choice),
    }
    plugin = openai.STT(client=client_of(endpoint), **options)
    # The socket is opened by a session of its own, for which the constructor has no argument.
    plugin._session = http_session(endpoint)  # noqa: SLF001
    return failing_loudly(plugin)


def text_to_speech(
    choice: ProviderChoice, defaults: ProviderDefaults, *, text_streaming: TextStreaming
) -> tts.TTS[Any]:
    """Build the plugin. Raises KeyMissingError or EgressRefused.

    The service takes a whole text a request, so each sentence, or clause, is a request of its own.
    """
    endpoint = endpoint_of(SPEC, Stage.TTS, choice, defaults)
    voice = choice.voice_id or defaults.voice
    options = {
        "model": choice.model or defaults.model,
        "response_format": RESPONSE_FORMAT,
        **({"voice": voice} if voice else {}),
        **known_options(SPEC, Stage.TTS, choice),
    }
    return tts.StreamAdapter(
        tts=openai.TTS(client=client_of(endpoint, gives_up_on_silence=True), **options),
        sentence_tokenizer=(
            WholeTagSentences()
            if text_streaming is TextStreaming.SENTENCES
            else ChunkTokenizer(TextStreaming.CLAUSES)
        ),
    )
