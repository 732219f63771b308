"""What a vendor's `spec.py` declares, and what a builder receives. Importing this loads no plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from agent_runtime.egress.policy import EgressPolicy

# What an agent configures instead of a language when the caller may speak any.
MULTI: Final = "multi"


def base_language(code: str | None) -> str | None:
    """The language without its region: en of en-US. For vendors that know no regions."""
    return code.partition("-")[0] if code else None


class Stage(StrEnum):
    """The stages of the pipeline that can be configured."""

    STT = "speech to text"
    LLM = "language model"
    TTS = "text to speech"
    VAD = "voice activity detection"
    TURN = "turn detection"


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable. `help` says what it is, in full sentences; `.env.example` repeats it."""

    name: str
    help: str
    default: str = ""
    secret: bool = False
    schemes: tuple[str, ...] = ()  # of a URL: those that it may have; () for any other text


def _no_conflicts(_model: str | None, _options: Mapping[str, Any], /) -> Iterable[tuple[str, str]]:
    return ()


@dataclass(frozen=True, slots=True)
class StageSpec:
    """What a vendor offers at one stage.

    `model` and `voice` are the variables that hold the default model and voice. `options` are the further
    settings of an agent that the plugin's constructor takes, by the constructor's own names, each with its
    type as `option_types.py` reads it. `objects` are the arguments that take an object of Python, which no
    configuration can hold. `conflicts` yields name and fault of each option that does not go with the model
    (None where the agent names none) or with another option.
    """

    model: Variable
    options: Mapping[str, Any]
    voice: Variable | None = None  # of text to speech alone
    base_url: Variable | None = None  # where this stage has an address of its own
    objects: frozenset[str] = frozenset()
    conflicts: Callable[[str | None, Mapping[str, Any]], Iterable[tuple[str, str]]] = _no_conflicts


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """A vendor. `name` is the name of its folder, and what agents are configured with."""

    name: str
    title: str
    package: str  # that has the plugin, as `pip install` names it
    api_key: Variable
    base_url: Variable
    stages: Mapping[Stage, StageSpec]
    api_secret: Variable | None = None  # of vendors whose key has one
    takes_agents_keys: bool = True  # whether an agent may bring an account of its own
    extra: str = ""  # of this distribution, that installs the package; "" for what is always there

    def address(self, stage: Stage) -> Variable:
        """The variable that holds the address of the stage."""
        return self.stages[stage].base_url or self.base_url

    def variables(self) -> Iterator[Variable]:
        """Every variable of this vendor: key, address, then models and voices."""
        yield self.api_key
        if self.api_secret is not None:
            yield self.api_secret
        yield self.base_url
        for stage in self.stages.values():
            yield stage.model
            if stage.voice is not None:
                yield stage.voice
            if stage.base_url is not None:
                yield stage.base_url


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """The provider that an agent uses at one stage; None takes the setting, else the plugin's default.

    `extra` holds the agent's further options, by the provider's own names. `fallbacks` take over in their
    order when this provider fails; they have no fallbacks of their own.
    """

    provider: str
    model: str | None = None
    language: str | None = None
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    voice_id: str | None = None  # of text to speech alone
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    fallbacks: tuple[ProviderChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderDefaults:
    """Key, address, model and voice at one stage, for agents whose configuration has none.

    Both are the worker's own, and the key is only sent to this address. `egress` decides which other
    addresses agents may name.
    """

    api_key: str = field(repr=False)
    base_url: str
    model: str
    voice: str = ""
    egress: EgressPolicy = field(default_factory=EgressPolicy)
    api_secret: str = field(default="", repr=False)
