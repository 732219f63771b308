"""Finds the vendors' specs and, when a provider is used, imports its plugin."""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import sys
from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

from agent_runtime import providers
from agent_runtime.domain.errors import InvalidInput
from agent_runtime.providers.common.installed import InstalledSpec, installed_spec, package_of
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
_LONGEST_NAME: Final = 40  # letters of a name that an error message proposes to install


class UnknownProviderError(InvalidInput):
    """Raised when no provider of this name serves the stage; the message lists those that do."""

    remedy = "use one of the providers that the message lists"

    def __init__(self, stage: Stage, name: str) -> None:
        super().__init__(
            f"unknown {stage} provider {name!r}; available: {', '.join(available(stage))}{_others(name)}"
        )


class PackageMissingError(InvalidInput):
    """Raised when the package of a provider's plugin is not installed; the message names it."""

    remedy = "install the package that the message names"

    def __init__(self, spec: ProviderSpec) -> None:
        super().__init__(
            f"{spec.title} needs the package {installation(spec)}, which is not installed"
        )


def installation(spec: ProviderSpec) -> str:
    """What to install for a provider: its package, and the extra that brings it."""
    extra = f" (voice-agent-runtime[{spec.extra}])" if spec.extra else ""
    return f"{spec.package}{extra}"


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

    Its package may be missing here and present where it is used. Raises UnknownProviderError.
    """
    if not name:
        return DEFAULTS[stage]
    folded = name.strip().lower()
    if folded in available(stage):
        return folded
    if stage in BUILT_IN or (other := installed_spec(folded)) is None or stage not in other.stages:
        raise UnknownProviderError(stage, name)
    return other.name


def spec_of(name: str) -> ProviderSpec:
    """The spec of a provider that `provider` returned: a vendor's folder, or an installed plugin's."""
    if name in specs():
        return specs()[name]
    other = installed_spec(name)
    if other is None:
        raise KeyError(name)
    return other


def speech_to_text(name: str) -> SpeechToText:
    """The builder of this provider, imported when it is first used. Raises PackageMissingError."""
    if (other := _installed(name)) is not None:
        return partial(_builders_of_installed().speech_to_text, other)
    build: SpeechToText = _plugin(name).speech_to_text
    return build


def language_model(name: str) -> LanguageModel:
    """The builder of this provider, imported when it is first used. Raises PackageMissingError."""
    if (other := _installed(name)) is not None:
        return partial(_builders_of_installed().language_model, other)
    build: LanguageModel = _plugin(name).language_model
    return build


def text_to_speech(name: str) -> TextToSpeech:
    """The builder of this provider, imported when it is first used. Raises PackageMissingError."""
    if (other := _installed(name)) is not None:
        return partial(_builders_of_installed().text_to_speech, other)
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


def _others(name: str) -> str:
    """How a name that is no vendor's could be used."""
    folded = name.strip().lower().replace("-", "_")
    if not folded.isidentifier() or not folded.isascii() or len(folded) > _LONGEST_NAME:
        return ""
    if installed_spec(folded) is not None:
        return f"; {package_of(folded)} is installed and does not offer this stage"
    return f"; or install LiveKit's plugin {package_of(folded)}, if there is one"


def _installed(name: str) -> InstalledSpec | None:
    return None if name in specs() else installed_spec(name)


def _builders_of_installed() -> Any:
    return importlib.import_module(f"{providers.__name__}.{_SHARED}.installed_plugin")


def _plugin(name: str) -> Any:
    if not is_installed(specs()[name]):
        raise PackageMissingError(specs()[name])
    return importlib.import_module(_module(name))


def _module(name: str) -> str:
    return f"{providers.__name__}.{name}.plugin"


def is_installed(spec: ProviderSpec) -> bool:
    """Whether the package of the provider's plugin is here."""
    # A loaded plugin needs no look at the disk, which would cost a starting call some milliseconds.
    return _module(spec.name) in sys.modules or _is_distribution(spec.package)


@cache
def _is_distribution(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
