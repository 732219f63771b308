"""Finds the vendors' specs and, when a provider is used, imports its plugin."""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import sys
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from agent_runtime import providers
from agent_runtime.domain.errors import InvalidInput
from agent_runtime.providers.common.spec import ProviderSpec, Stage

if TYPE_CHECKING:
    from agent_runtime.providers.common.builders import LanguageModel, SpeechToText, TextToSpeech

# The provider of agents that name none.
DEFAULTS: Final[Mapping[Stage, str]] = {
    Stage.STT: "deepgram",
    Stage.LLM: "openai",
    Stage.TTS: "cartesia",
    Stage.VAD: "bundled",
    Stage.TURN: "v1-mini",
}
# What the pipeline builds itself, without a vendor. `bundled` is the same Silero model as `silero`, inside
# the framework, and seven times cheaper a window. `v1-mini` ships in a wheel and runs offline.
# `turn-detector` is the older plugin's text model, which `worker download-files` must fetch. `vad` and
# `stt` use no model.
BUILT_IN: Final[Mapping[Stage, tuple[str, ...]]] = {
    Stage.VAD: ("bundled", "silero"),
    Stage.TURN: ("v1-mini", "turn-detector", "vad", "stt"),
}
_SHARED: Final = "common"  # the one folder here that is no vendor


class UnknownProviderError(InvalidInput):
    """Raised when no provider of this name serves the stage; the message lists those that do."""

    remedy = "use one of the providers that the message lists"

    def __init__(self, stage: Stage, name: str) -> None:
        super().__init__(
            f"unknown {stage} provider {name!r}; available: {', '.join(available(stage))}"
        )


class PackageMissingError(InvalidInput):
    """Raised when the package of a provider's plugin is not installed; the message names it."""

    remedy = "install the package that the message names"

    def __init__(self, spec: ProviderSpec) -> None:
        super().__init__(f"{spec.title} needs the package {spec.package}, which is not installed")


@cache
def specs() -> Mapping[str, ProviderSpec]:
    """Every vendor by name, those that are a default first. Imports the specs and no plugin."""
    found: dict[str, ProviderSpec] = {}
    for module in pkgutil.iter_modules(providers.__path__):
        if module.ispkg and module.name != _SHARED:
            spec = importlib.import_module(f"{providers.__name__}.{module.name}.spec").SPEC
            found[spec.name] = spec
    first = [name for name in DEFAULTS.values() if name in found]
    return {name: found[name] for name in dict.fromkeys([*first, *sorted(found)])}


def available(stage: Stage) -> tuple[str, ...]:
    """The names of all providers of the stage, the default first."""
    if stage in BUILT_IN:
        return BUILT_IN[stage]
    found = [name for name, spec in specs().items() if stage in spec.stages]
    return tuple(dict.fromkeys([DEFAULTS[stage], *found]))


def provider(stage: Stage, name: str | None) -> str:
    """The provider of this name (letter case does not matter), the default for None or "".

    Raises UnknownProviderError or PackageMissingError.
    """
    if not name:
        return DEFAULTS[stage]
    folded = name.strip().lower()
    if folded not in available(stage):
        raise UnknownProviderError(stage, name)
    if stage not in BUILT_IN and not _is_installed(specs()[folded]):
        raise PackageMissingError(specs()[folded])
    return folded


def speech_to_text(name: str) -> SpeechToText:
    """The builder of this provider, imported when it is first used."""
    build: SpeechToText = _plugin(name).speech_to_text
    return build


def language_model(name: str) -> LanguageModel:
    """The builder of this provider, imported when it is first used."""
    build: LanguageModel = _plugin(name).language_model
    return build


def text_to_speech(name: str) -> TextToSpeech:
    """The builder of this provider, imported when it is first used."""
    build: TextToSpeech = _plugin(name).text_to_speech
    return build


def import_default_plugins() -> tuple[str, ...]:
    """Import the plugins of the default providers; returns the names of their modules.

    On the main thread only: LiveKit's plugins refuse to be imported on another one.
    """
    modules = tuple(_module(name) for name in DEFAULTS.values() if name in specs())
    for module in modules:
        importlib.import_module(module)
    return modules


def _plugin(name: str) -> Any:
    return importlib.import_module(_module(name))


def _module(name: str) -> str:
    return f"{providers.__name__}.{name}.plugin"


def _is_installed(spec: ProviderSpec) -> bool:
    # A loaded plugin needs no look at the disk, which would cost a starting call some milliseconds.
    return _module(spec.name) in sys.modules or _is_distribution(spec.package)


@cache
def _is_distribution(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
