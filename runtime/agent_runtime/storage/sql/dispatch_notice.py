"""A dispatch notice: the id of a session that needs an agent, on one channel.

Whoever may use the database or its folder can send one. So it names a session only; room and metadata are
read from the session's own rows.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from agent_runtime.domain.session import DEFAULT_NAMESPACE

_SESSION_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def channel_name(api_key: str, namespace: str = DEFAULT_NAMESPACE) -> str:
    """The channel of the workers of one LiveKit server and one namespace.

    It comes from the LiveKit API key, so the workers of another server are not notified.
    """
    named = api_key if namespace == DEFAULT_NAMESPACE else f"{api_key}\0{namespace}"
    return f"agent_runtime_{hashlib.sha256(named.encode()).hexdigest()[:12]}"


def decode_notice(payload: str | bytes) -> str | None:
    """The session's id in a notice; None for any other text."""
    text = payload.decode("ascii", "replace") if isinstance(payload, bytes) else payload
    return text if _SESSION_ID.fullmatch(text) else None
