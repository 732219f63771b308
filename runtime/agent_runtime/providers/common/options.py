"""Options of a configuration that a plugin's constructor takes."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

from agent_runtime.domain.errors import InvalidInput
from agent_runtime.providers.common.spec import ProviderChoice

logger = logging.getLogger(__name__)


class KeyMissingError(InvalidInput):
    """Raised when a provider has no key; the message names the setting and the field to set."""

    remedy = ""

    def __init__(self, provider: str, setting: str, field: str) -> None:
        super().__init__(
            f"no key for {provider}: set {setting}, or {field}.apiKey of the agent "
            f"(each of {field}.fallbacks has its own)"
        )


def accepted(constructor: Callable[..., Any], choice: ProviderChoice) -> Mapping[str, Any]:
    """The options in `choice.extra` that `constructor` knows; the others are told and left out."""
    known = inspect.signature(constructor).parameters
    unknown = sorted(set(choice.extra) - set(known))
    if unknown:
        logger.warning("%s does not know these options: %s", choice.provider, ", ".join(unknown))
    return {name: value for name, value in choice.extra.items() if name in known}
