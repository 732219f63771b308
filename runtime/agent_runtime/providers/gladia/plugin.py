"""Gladia's plugin: speech to text."""

from __future__ import annotations

from typing import Any

from livekit.agents import stt
from livekit.plugins import gladia

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
from agent_runtime.providers.gladia.spec import SPEC


def speech_to_text(
    choice: ProviderChoice,
    defaults: ProviderDefaults,
    *,
    frame_ms: int,  # noqa: ARG001 - the plugin sends 100 ms a message
) -> stt.STT[Any]:
    """Build the plugin. Raises KeyMissingError or EgressRefused.

    The plugin's stream ends in silence when the service closes it in order, as it does after its longest
    session: `failing_loudly` makes that an error, after which the pipeline connects again.
    """
    endpoint = endpoint_of(SPEC, Stage.STT, choice, defaults)
    language = base_language(choice.language)
    options = {
        "model": choice.model or defaults.model,
        "api_key": endpoint.api_key,
        "base_url": endpoint.base_url,
        "http_session": http_session(endpoint),
        **(
            {"languages": [language], "code_switching": False}
            if language and language != MULTI
            else {}
        ),
        **known_options(SPEC, Stage.STT, choice),
    }
    return failing_loudly(gladia.STT(**options), connects_by="_init_live_session")
