"""URLs as people may see them: without passwords, tokens and keys, also where they are malformed."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_plus

from agent_runtime.secrecy.names import HIDDEN, is_secret

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}(?=://)")
_URL_IN_TEXT: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s\"'<>|]+")
# name=value pairs of a query, of a fragment, or of matrix parameters.
_PAIR: Final = re.compile(r"(?P<before>[?&;#])(?P<name>[^=&;#?]+)=(?P<value>[^&;#]*)")
# Schemes in which a user's name without a password is a name; in any other it may be a token.
_NAMED_USERS: Final = ("postgres", "postgresql", "sip", "sips", "ssh")


def hide_in_url(url: str) -> str:
    """The URL with its password, and every parameter whose name is a secret's, hidden.

    Whatever stands before the last @ counts as user and password, as a password with / or ? moves the
    borders of a malformed URL.
    """
    match = _SCHEME.search(url)
    if match is None:
        return _PAIR.sub(_hidden_pair, url)
    scheme, rest = url[: match.end() + 3], url[match.end() + 3 :]
    user, separator, place = rest.rpartition("@")
    if not separator:
        return scheme + _PAIR.sub(_hidden_pair, rest)
    name, colon, _ = user.partition(":")
    # A name with one of these is no name: the borders have moved.
    is_name = not any(mark in name for mark in "/?#&=")
    if not is_name or not (colon or match[0].lower() in _NAMED_USERS):
        name = HIDDEN
    shown = f"{name}:{HIDDEN}" if colon else name
    return f"{scheme}{shown}@{_PAIR.sub(_hidden_pair, place)}"


def hide_in_text(text: str) -> str:
    """The text with each URL in it as `hide_in_url` shows it."""
    if "://" not in text:
        return text
    return _URL_IN_TEXT.sub(lambda found: hide_in_url(found[0]), text)


def _hidden_pair(pair: re.Match[str]) -> str:
    if not pair["value"] or not is_secret(unquote_plus(pair["name"])):
        return pair[0]
    return f"{pair['before']}{pair['name']}={HIDDEN}"
