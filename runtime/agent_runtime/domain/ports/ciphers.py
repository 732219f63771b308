"""Encryption of texts that are kept for a short time."""

from __future__ import annotations

from typing import Protocol


class Cipher(Protocol):
    """Encrypts with a key that the caller keeps; `context` binds a text to the place where it belongs."""

    def new_key(self) -> str:
        """A random key."""

    def seal(self, key: str, text: str, context: str) -> str:
        """The text encrypted and marked, so that `is_sealed` knows it."""

    def open(self, key: str, sealed: str, context: str) -> str:
        """The text that was sealed. Raises ValueError for another key, context or text."""

    def is_sealed(self, text: str) -> bool:
        """Whether `seal` made the text."""
