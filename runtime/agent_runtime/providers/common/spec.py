"""What a provider is configured with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """A provider of one stage; None takes the setting, else the plugin's own default.

    `extra` holds what else stood beside, by the provider's own names. `fallbacks` are asked in their
    order when this one fails; they have none of their own.
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
    """Key, address and model of a provider for agents whose configuration has none."""

    api_key: str = field(repr=False)
    base_url: str
    model: str
    voice: str = ""
