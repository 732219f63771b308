"""From an agent's choice and the settings' defaults to the arguments of a plugin's constructor."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from agent_runtime.domain.errors import InvalidInput
from agent_runtime.providers.common.option_types import option_name, read_option
from agent_runtime.providers.common.spec import (
    ProviderChoice,
    ProviderDefaults,
    ProviderSpec,
    Stage,
)

logger = logging.getLogger(__name__)


class KeyMissingError(InvalidInput):
    """Raised when neither settings nor agent have a key for a provider; the message names both remedies."""

    remedy = ""

    def __init__(self, provider: str, setting: str, field: str) -> None:
        super().__init__(
            f"no key for {provider}: set {setting}, or {field}.apiKey of the agent "
            f"(each of {field}.fallbacks has its own)"
        )


def key_of(
    spec: ProviderSpec, stage: Stage, choice: ProviderChoice, defaults: ProviderDefaults
) -> str:
    """The agent's key, else the settings'. Raises KeyMissingError."""
    key = choice.api_key or defaults.api_key
    if not key:
        raise KeyMissingError(spec.title, spec.api_key.name, f"{stage.name.lower()}Config")
    return key


def known_options(spec: ProviderSpec, stage: Stage, choice: ProviderChoice) -> Mapping[str, Any]:
    """The options in `choice.extra`, as the plugin takes them; those that it lacks are logged and left out.

    Key and address are never among them: `endpoint.py` decides on both. Raises ValueError for a value of
    another type, which no configuration that was checked has.
    """
    types = {
        name: kind
        for name, kind in spec.stages[stage].options.items()
        if name not in ("api_key", "base_url")
    }
    given = {option_name(types, key): value for key, value in choice.extra.items()}
    if unknown := sorted(set(given) - set(types)):
        logger.warning("%s does not know these options: %s", choice.provider, ", ".join(unknown))
    return {name: read_option(types[name], value) for name, value in given.items() if name in types}
