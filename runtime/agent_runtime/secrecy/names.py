"""Which values are secret, by the names that they go by; and what is shown in their place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

HIDDEN: Final = "********"

# Words that make a name that of a secret, wherever they stand in it.
_WORDS: Final = frozenset(
    {
        "apikey",
        "auth",
        "authorization",
        "bearer",
        "cookie",
        "credential",
        "credentials",
        "jwt",
        "pass",
        "passphrase",
        "passwd",
        "password",
        "pwd",
        "secret",
        "secrets",
        "sig",
        "signature",
        "token",
        "tokens",
    }
)
# Words before a last `key` that say that the key is none to keep: public keys, and keys of data.
_HARMLESS_KEYS: Final = frozenset({"public", "sort", "primary", "foreign", "cache", "hot", "dtmf"})
# Objects whose every value may be a secret: headers of requests, the environment of a server's process.
_SECRET_OBJECTS: Final = frozenset({"headers", "header", "env", "environment", "cookies"})
_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@lru_cache(1024)
def is_secret(name: str) -> bool:
    """Whether a value of this name is a secret: apiKey, xi_api_key, X-Auth-Token, clientSecret."""
    words = _words(name)
    if not words or "public" in words:
        return False
    if not _WORDS.isdisjoint(words):
        return True
    last = words[-1].removesuffix("s")
    return (last == "key" and _HARMLESS_KEYS.isdisjoint(words)) or last.endswith(
        ("apikey", "secretkey", "accesskey", "privatekey", "password", "secret", "token")
    )


def holds_secrets(name: str) -> bool:
    """Whether each value of an object of this name may be a secret: headers, extra_headers, env."""
    words = _words(name)
    return bool(words) and words[-1] in _SECRET_OBJECTS


def without_secrets(value: Any, *, secret: bool = False) -> Any:
    """The JSON value with `HIDDEN` in place of every secret. A number or a truth value is none.

    `secret` is whether the value itself is one.
    """
    if isinstance(value, Mapping):
        return {
            key: without_secrets(
                one, secret=secret or is_secret(str(key)) or holds_secrets(str(key))
            )
            for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(one, secret=secret) for one in value]
    return HIDDEN if secret and isinstance(value, str) and value else value


def secrets_in(value: Any, *, secret: bool = False) -> Iterator[str]:
    """Each secret text in the JSON value, as `without_secrets` hides them."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            hidden = secret or is_secret(str(key)) or holds_secrets(str(key))
            yield from secrets_in(one, secret=hidden)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from secrets_in(one, secret=secret)
    elif secret and isinstance(value, str):
        yield value


def _words(name: str) -> list[str]:
    return [word.lower() for word in _PART.findall(name)]
