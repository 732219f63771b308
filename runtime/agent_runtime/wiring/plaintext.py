"""Warns of connections to other machines that are not encrypted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from agent_runtime.settings import Settings
from agent_runtime.settings.addresses import is_loopback
from agent_runtime.storage.sql.postgres_url import read_postgres_url
from agent_runtime.storage.sql.url import is_postgres

logger = logging.getLogger(__name__)

# Modes of libpq in which a connection may be made without TLS; prefer is its default.
MAY_BE_PLAIN: Final = frozenset({"disable", "allow", "prefer"})


def warn_of_plaintext(settings: Settings) -> None:
    """Log a warning for each setting that sends data to another machine without TLS."""
    for problem in plaintext(settings):
        logger.warning("%s", problem)


def plaintext(settings: Settings) -> Iterator[str]:
    """A line for each such setting; it holds neither address nor secret."""
    if _is_plain(settings.livekit.url):
        yield "LIVEKIT_URL: the connection to another machine is not encrypted; use wss://"
    for variable, value in settings.variables().items():
        if variable.endswith("_BASE_URL") and _is_plain(value):
            yield f"{variable}: keys and words go to another machine unencrypted; use https://"
    url = settings.database.url
    if not is_postgres(url):
        return
    given = read_postgres_url(url).parameters
    hosts = given.get("hostaddr", given.get("host", "")).split(",")
    is_remote = any(host and host[0] not in "/@" and not is_loopback(host) for host in hosts)
    if is_remote and given.get("sslmode", "prefer") in MAY_BE_PLAIN:
        yield (
            "DATABASE_URL: the connection to another machine may be unencrypted; add sslmode=verify-full "
            "and sslrootcert, or sslmode=require at least"
        )


def _is_plain(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("ws", "http") and not is_loopback(parts.hostname or "")
