"""The keys of agents' secrets: what is checked at start, and their rotation."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from agent_runtime.domain.errors import CannotStart, StoreUnavailable
from agent_runtime.secrecy.keyring import VARIABLE, Keyring
from agent_runtime.settings import Settings
from agent_runtime.wiring.database import open_database

if TYPE_CHECKING:
    from agent_runtime.storage.repositories.sealed.rotation import Rotation

logger = logging.getLogger(__name__)

# What opens a sealed text; the fork server loads it once for all jobs.
CIPHER: Final = "cryptography.hazmat.primitives.ciphers.aead"


def check_secret_keys(settings: Settings) -> None:
    """Warn when agents' secrets are stored in clear. Raises CannotStart when a key is missing.

    Without a database nothing is known, and the process starts: a call tells the same.
    """
    keyring = settings.secrets.keyring()
    if keyring.first is None:
        logger.warning(
            "%s is not set: the keys of registered agents are stored in clear; make one with "
            "`agent-runtime secrets generate-key`",
            VARIABLE,
        )
    try:
        counts = asyncio.run(_counts(settings, keyring))
    except StoreUnavailable as error:
        logger.info("keys of the stored secrets not checked: %s", error)
        return
    if foreign := {key: number for key, number in counts.items() if key and key not in keyring.ids}:
        raise CannotStart(_foreign(foreign, keyring))
    if keyring.first is not None and (clear := counts.get(None)):
        logger.warning(
            "%d configurations are stored in clear: run `agent-runtime secrets rotate`", clear
        )


def keep_files_private() -> None:
    """Let nobody else read or write the files and sockets that this process and its jobs make.

    An image's build makes files (`worker download-files`) for another user: it must not call this.
    """
    os.umask(0o077)


def rotate_secrets(settings: Settings) -> Rotation:
    """Encrypt every stored configuration with the first key. Raises StoreUnavailable."""
    return asyncio.run(_rotate(settings))


async def _counts(settings: Settings, keyring: Keyring) -> Mapping[str | None, int]:
    from agent_runtime.storage.repositories.sealed.rotation import StoredSecrets

    database = open_database(settings, connections=1)
    try:
        return await StoredSecrets(database, keyring).counts()
    finally:
        await database.close()


async def _rotate(settings: Settings) -> Rotation:
    from agent_runtime.storage.repositories.sealed.rotation import StoredSecrets

    database = open_database(settings, connections=1)
    try:
        await database.check()
        return await StoredSecrets(database, settings.secrets.keyring()).rotate()
    finally:
        await database.close()


def _foreign(keys: Mapping[str, int], keyring: Keyring) -> str:
    listed = ", ".join(f"{number} with key {key}" for key, number in sorted(keys.items()))
    state = "has other keys" if keyring.first else "is not set"
    return (
        f"configurations of agents are encrypted ({listed}), and {VARIABLE} {state}: add that key, "
        "or register those agents again"
    )
