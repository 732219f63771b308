"""The types of the builders in the vendors' `plugin.py`. Importing this loads no plugin.

Each builder has the name of its type in snake case, and raises KeyMissingError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults
from agent_runtime.text.streaming import TextStreaming

if TYPE_CHECKING:
    from livekit.agents import llm, stt, tts


class SpeechToText(Protocol):
    """Builds the plugin of speech to text."""

    def __call__(
        self, choice: ProviderChoice, defaults: ProviderDefaults, *, frame_ms: int
    ) -> stt.STT[Any]:
        """`frame_ms` is the length of the audio frames that the pipeline hands over, in milliseconds."""


class LanguageModel(Protocol):
    """Builds the plugin of a language model."""

    def __call__(
        self, choice: ProviderChoice, defaults: ProviderDefaults, *, temperature: float | None
    ) -> llm.LLM[Any]:
        """`temperature` is the agent's, None for the model's own default."""


class TextToSpeech(Protocol):
    """Builds the plugin of text to speech."""

    def __call__(
        self, choice: ProviderChoice, defaults: ProviderDefaults, *, text_streaming: TextStreaming
    ) -> tts.TTS[Any]:
        """`text_streaming` is the chunk size for synthesis."""
