"""Seals texts with a key of their own session: AES-256-GCM (NIST SP 800-38D), a random nonce each time."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_MARK: Final = "sealed:session:"
_KEY: Final = 32  # bytes
_NONCE: Final = 12  # bytes, the length that the standard recommends


class SessionCipher:
    """Implements the port Cipher; the library is loaded with the first text that is sealed or opened."""

    def new_key(self) -> str:
        """A random key, as base64."""
        return base64.b64encode(os.urandom(_KEY)).decode()

    def seal(self, key: str, text: str, context: str) -> str:
        """The marked base64 of nonce and ciphertext."""
        nonce = os.urandom(_NONCE)
        sealed = _cipher(key).encrypt(nonce, text.encode(), context.encode())
        return _MARK + base64.b64encode(nonce + sealed).decode()

    def open(self, key: str, sealed: str, context: str) -> str:
        """The text that was sealed. Raises ValueError for another key, context or text."""
        from cryptography.exceptions import InvalidTag

        content = base64.b64decode(sealed.removeprefix(_MARK), validate=True)
        try:
            return (
                _cipher(key).decrypt(content[:_NONCE], content[_NONCE:], context.encode()).decode()
            )
        except InvalidTag as error:
            raise ValueError("a sealed text does not fit the key of its session") from error

    def is_sealed(self, text: str) -> bool:
        """Whether `seal` made the text."""
        return text.startswith(_MARK)


def _cipher(key: str) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(base64.b64decode(key))
