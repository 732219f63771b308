"""Deepgram's plugin: speech to text."""

from __future__ import annotations

from typing import Any, Final

from livekit.agents import stt
from livekit.plugins import deepgram

from agent_runtime.providers.common.options import key_of, known_options
from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults, Stage
from agent_runtime.providers.deepgram.spec import SPEC
from agent_runtime.providers.deepgram.stream import ShortFrameSTT

# Milliseconds of audio that the plugin collects before it sends, whatever the length of the frames.
PLUGIN_FRAME_MS: Final = 50


def speech_to_text(
    choice: ProviderChoice, defaults: ProviderDefaults, *, frame_ms: int
) -> stt.STT[Any]:
    """Build the plugin; frames shorter than the plugin's 50 ms go out in steps of 20 ms.

    Raises KeyMissingError.
    """
    options = {
        "model": choice.model or defaults.model,
        "api_key": key_of(SPEC, Stage.STT, choice, defaults),
        "base_url": choice.base_url or defaults.base_url,
        **({"language": choice.language} if choice.language else {}),
        **known_options(SPEC, Stage.STT, choice),
    }
    return (ShortFrameSTT if frame_ms < PLUGIN_FRAME_MS else deepgram.STT)(**options)
