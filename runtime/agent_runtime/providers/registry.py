"""Which providers an agent can be configured with. `voice/providers` builds each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from agent_runtime.domain.errors import InvalidInput


class Stage(StrEnum):
    """The stages of the pipeline that a provider serves."""

    STT = "speech to text"
    LLM = "language model"
    TTS = "text to speech"
    VAD = "voice activity detection"
    TURN = "turn detection"


# The first of each stage is the default.
PROVIDERS: Final[Mapping[Stage, Sequence[str]]] = {
    Stage.STT: ("deepgram",),
    Stage.LLM: ("openai",),
    Stage.TTS: ("cartesia",),
    # `bundled` is the same Silero model inside the framework, seven times cheaper a window.
    Stage.VAD: ("bundled", "silero"),
    # `v1-mini` ships in a wheel and runs offline; `turn-detector` is the older plugin's text model,
    # which `worker download-files` must fetch; `vad` and `stt` use no model.
    Stage.TURN: ("v1-mini", "turn-detector", "vad", "stt"),
}


class UnknownProviderError(InvalidInput):
    """Raised when no provider of this name serves the stage; the message lists those that do."""

    remedy = "use one of the providers that the message lists"

    def __init__(self, stage: Stage, name: str) -> None:
        available = ", ".join(PROVIDERS[stage])
        super().__init__(f"unknown {stage} provider {name!r}; available: {available}")


def provider(stage: Stage, name: str | None) -> str:
    """The provider of this name (letter case does not matter), the default for None or "".

    Raises UnknownProviderError.
    """
    if not name:
        return PROVIDERS[stage][0]
    folded = name.strip().lower()
    if folded not in PROVIDERS[stage]:
        raise UnknownProviderError(stage, name)
    return folded
