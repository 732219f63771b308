"""What is kept of a conversation: the tier of an agent, and pseudonyms of callers."""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum
from typing import Final

_PURPOSE: Final = b"agent-runtime: pseudonyms of callers"
_PREFIX: Final = "caller-"
_DIGITS: Final = 24  # hexadecimal digits: 96 bits, so that no two callers share a pseudonym


class PrivacyTier(StrEnum):
    """How much of a conversation is kept in a readable form; docs/privacy.md has the table.

    What a replacing agent needs is kept sealed in the tiers below `FULL`, and goes with the session.
    """

    FULL = "full"
    REDACTED = "redacted"  # without numbers, addresses and names
    NONE = "none"  # no words and no identities


class Pseudonyms:
    """Replaces an identity by a name that only holders of `secret` can compute from the identity.

    Telephone numbers are few enough to try them all, so a hash without a secret would hide nothing.
    """

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), _PURPOSE, hashlib.sha256)

    def of(self, identity: str) -> str:
        """The pseudonym, the same for every session of the caller."""
        found = hmac.new(self._key, identity.encode(), hashlib.sha256)
        return _PREFIX + found.hexdigest()[:_DIGITS]
