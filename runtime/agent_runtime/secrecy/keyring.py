"""Texts that are encrypted at rest: AES-256-GCM, with the id of the key in front (NIST SP 800-38D).

A sealed text is `sealed:1:<key id>:<base64 of nonce and ciphertext>`. It is bound to its context, such as
"registration 7", so that nobody who may write to the database can give one agent the secrets of another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from agent_runtime.domain.errors import SecretsUnreadable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VARIABLE: Final = "AGENT_RUNTIME_SECRET_KEY"
PREFIX: Final = "sealed:1:"
KEY_BYTES: Final = 32
KEY_ID_LENGTH: Final = 8
_NONCE_BYTES: Final = 12  # the length that the standard recommends
PREFIX_LENGTH: Final = len(PREFIX) + KEY_ID_LENGTH + 1
_SEPARATORS: Final = re.compile(r"[,\s]+")
# Most keys of a ring: each more is one that should have been dropped after a rotation.
MAX_KEYS: Final = 8


class Keyring:
    """The keys of one deployment: the first encrypts, all decrypt. Without a key texts stay in clear."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self._keys = {_id_of(key): key for key in keys}
        # The id of the key that encrypts; None when there is none.
        self.first = next(iter(self._keys), None)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all keys."""
        return frozenset(self._keys)

    def seal(self, text: str, context: str) -> str:
        """The text encrypted for its context; the text itself when there is no key."""
        if self.first is None:
            return text
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher(self.first).encrypt(nonce, text.encode(), context.encode())
        return f"{PREFIX}{self.first}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, text: str, context: str) -> str:
        """The text that was sealed for this context; one in clear is returned as it is.

        Raises SecretsUnreadable.
        """
        used = key_id_of(text)
        if used is None:
            return text
        if used not in self._keys:
            raise SecretsUnreadable(_missing(used, context, has_keys=bool(self._keys)))
        from cryptography.exceptions import InvalidTag

        try:
            sealed = base64.urlsafe_b64decode(text[PREFIX_LENGTH:])
            clear = self._cipher(used).decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode()
            )
        except (InvalidTag, ValueError):
            raise SecretsUnreadable(
                f"{context}: the stored text was changed or belongs elsewhere: {VARIABLE} has its key, and "
                "it does not decrypt; register the agent again"
            ) from None
        return clear.decode()

    def _cipher(self, key_id: str) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._keys[key_id])


def key_id_of(text: str) -> str | None:
    """The id of the key that a text is sealed with; None for one in clear."""
    return text[len(PREFIX) : PREFIX_LENGTH - 1] if text.startswith(PREFIX) else None


def read_keys(text: str) -> list[bytes]:
    """The keys in the setting, each 32 bytes in base64. Raises ValueError without any part of a key."""
    keys = [_read_key(number, one) for number, one in enumerate(split_keys(text), 1)]
    if len(keys) > MAX_KEYS:
        raise ValueError(f"has {len(keys)} keys; at most {MAX_KEYS} are of use")
    if len({_id_of(key) for key in keys}) < len(keys):
        raise ValueError("has one key twice; leave one of them out")
    return keys


def generate_key() -> str:
    """A new key, as the setting takes it."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def split_keys(text: str) -> list[str]:
    """The texts of the keys in the setting."""
    return [part for part in _SEPARATORS.split(text) if part]


def _read_key(number: int, text: str) -> bytes:
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(
            f"key {number} is not {KEY_BYTES} bytes in base64; "
            "make one with `agent-runtime secrets generate-key`"
        )
    return key


def _id_of(key: bytes) -> str:
    return hashlib.sha256(b"agent-runtime key id" + key).hexdigest()[:KEY_ID_LENGTH]


def _missing(key_id: str, context: str, *, has_keys: bool) -> str:
    state = "has other keys" if has_keys else "is not set"
    return (
        f"{context} is encrypted with key {key_id}, and {VARIABLE} {state}; "
        "give every process of the deployment that key as well"
    )
