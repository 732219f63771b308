"""Secrets among the variables of a session: encrypted with its live row, absent from the shared table."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from agent_runtime.domain.errors import SecretsUnreadable
from agent_runtime.secrecy.keyring import Keyring
from agent_runtime.secrecy.names import is_secret

logger = logging.getLogger(__name__)


def stored(variables: Mapping[str, Any], keyring: Keyring, session_id: str) -> str:
    """The variables as the live row holds them, as JSON: texts with the name of a secret are encrypted."""
    return json.dumps(
        {
            name: keyring.seal(value, _context(session_id)) if _is_secret(name, value) else value
            for name, value in variables.items()
        }
    )


def read(text: str | None, keyring: Keyring, session_id: str) -> dict[str, Any]:
    """The variables of a live row. A secret that no key opens is left out."""
    given: dict[str, Any] = json.loads(text) if text else {}
    found = {}
    for name, value in given.items():
        try:
            secret = _is_secret(name, value)
            found[name] = keyring.open(value, _context(session_id)) if secret else value
        except SecretsUnreadable as error:
            logger.warning("variable %s left out: %s", name, error)
    return found


def _is_secret(name: str, value: object) -> bool:
    return isinstance(value, str) and is_secret(name)


def _context(session_id: str) -> str:
    return f"a variable of session {session_id}"
