"""The secrets that this process knows, to be looked for in texts of others: a provider may quote a key.

API and worker know those of their settings, a job also those of its agent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from agent_runtime.secrecy.names import HIDDEN

# Characters of a secret that is looked for: a shorter one would be found in words.
SHORTEST_SECRET: Final = 8

_known: Final[list[str]] = []  # the longest first: one may hold another


def remember(secrets: Iterable[str]) -> None:
    """Hide these from now on; short ones are ignored."""
    new = {one for one in secrets if len(one) >= SHORTEST_SECRET}
    _known[:] = sorted(new | set(_known), key=len, reverse=True)


def without_known(text: str) -> str:
    """The text with each known secret hidden."""
    for secret in _known:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    return text
