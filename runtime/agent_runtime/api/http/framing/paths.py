"""Paths in which an encoded slash (%2F) is data of its segment (RFC 3986, section 2.2)."""

from __future__ import annotations

import re
import urllib.parse
from typing import Final

from falcon.asgi import Request

# Stands for a slash that was encoded while a path is routed. Half a surrogate pair, since no decoded
# path can contain one: decoding puts U+FFFD in the place of what is not UTF-8.
_SLASH: Final = "\udc2f"
_ENCODED: Final = re.compile(r"%2f", re.IGNORECASE)


def keep_encoded_slashes(req: Request) -> None:
    """Set the path that the router splits at "/", so that an encoded slash does not split a segment."""
    raw = req.scope["raw_path"]
    if b"%2" in raw:
        path = _ENCODED.sub(_SLASH, raw.decode("ascii"))
        req.path = urllib.parse.unquote(path.removesuffix("/") or "/")


def has_encoded_slash(path: str) -> bool:
    """Whether a path so set, or a segment of one, has a slash as data."""
    return _SLASH in path


def with_slashes(path: str) -> str:
    """A path so set, or a segment of one, with its slashes: what the client means."""
    return path.replace(_SLASH, "/")
