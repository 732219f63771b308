"""Signatures of webhooks, as Standard Webhooks describes them (standardwebhooks.com).

The signed text is `<id>.<time>.<body>`; the key is the base64 after `whsec_`; HMAC-SHA256.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

PREFIX: Final = "whsec_"
# Bytes of a key, by the standard; and secrets at once, of which the second is the one before a rotation.
KEY_BYTES: Final = range(24, 65)
MOST_SECRETS: Final = 2


def keys_of(secret: str) -> list[bytes]:
    """The keys of one secret, or of two with a blank between them.

    Raises ValueError without any part of it.
    """
    found = []
    for one in secret.split():
        try:
            key = base64.b64decode(one.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not one.startswith(PREFIX) or len(key) not in KEY_BYTES:
            raise ValueError(f"must be {PREFIX} and 24 to 64 bytes in base64")
        found.append(key)
    if not 1 <= len(found) <= MOST_SECRETS:
        raise ValueError(f"must be one secret, or {MOST_SECRETS} with a blank between them")
    return found


def checked(secret: str | None) -> str | None:
    """The secret as it is; None for none, or "". Raises ValueError."""
    if not secret:
        return None
    keys_of(secret)
    return secret


def signature(secret: str, message_id: str, timestamp: int, body: str) -> str:
    """The value of the header webhook-signature: one signature for each key."""
    signed = f"{message_id}.{timestamp}.{body}".encode()
    digests = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys_of(secret))
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
