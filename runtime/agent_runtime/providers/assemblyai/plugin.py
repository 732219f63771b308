"""AssemblyAI's plugin: speech to text."""

from __future__ import annotations

from typing import Any, Final

from livekit.agents import stt
from livekit.plugins import assemblyai

from agent_runtime.providers.assemblyai.spec import SPEC
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

# Beginning of the models that take languages as a hint; the others have theirs in the name.
_TAKES_LANGUAGES: Final = ("universal-3", "u3-")


def speech_to_text(
    choice: ProviderChoice,
    defaults: ProviderDefaults,
    *,
    frame_ms: int,  # noqa: ARG001 - the service takes messages of 50 ms at least
) -> stt.STT[Any]:
    """Build the plugin. Raises KeyMissingError or EgressRefused."""
    endpoint = endpoint_of(SPEC, Stage.STT, choice, defaults)
    model = choice.model or defaults.model
    language = base_language(choice.language)
    given = known_options(SPEC, Stage.STT, choice)
    options = {
        "model": model,
        "api_key": endpoint.api_key,
        "base_url": endpoint.base_url,
        "http_session": http_session(endpoint),
        **given,
    }
    if (
        language
        and language != MULTI
        and model.startswith(_TAKES_LANGUAGES)
        and "language_code" not in given
    ):
        options.setdefault("language_codes", [language])
    return failing_loudly(assemblyai.STT(**options), connects_by="_connect_ws")
