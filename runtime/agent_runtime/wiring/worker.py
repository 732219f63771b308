"""The worker's process, and the job processes that it forks.

The fork server imports this module before the first job (`VoiceSettings.preload`), so it must stay
cheap to import and must not import the API.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent_runtime.prices.table import read_prices
from agent_runtime.secrecy.known import remember
from agent_runtime.settings import Settings
from agent_runtime.wiring.database import keeping, open_database
from agent_runtime.wiring.secrets import CIPHER, check_secret_keys, keep_files_private
from agent_runtime.wiring.sources import agent_sources, text_ids

if TYPE_CHECKING:
    from agent_runtime.voice.jobs.settings import VoiceSettings
    from agent_runtime.voice.jobs.stores import Stores


# Modes in which the worker reads what agents were registered with.
SERVES_CALLS: Final = frozenset({"start", "dev", "console", "connect"})


def run_worker(settings: Settings, mode: str, arguments: Sequence[str]) -> int:
    """Run the worker command `mode` with the rest of the command line; returns the exit code."""
    from agent_runtime.voice.worker.commands import run_worker
    from agent_runtime.wiring.descriptors import raise_descriptor_limit
    from agent_runtime.wiring.plaintext import warn_of_plaintext

    if mode in SERVES_CALLS:
        keep_files_private()
    raise_descriptor_limit()  # before job processes are forked, which inherit it
    warn_of_plaintext(settings)
    if mode in SERVES_CALLS:
        check_secret_keys(settings)
    return run_worker(_voice(settings), open_stores, mode, arguments)


@asynccontextmanager
async def open_stores(connections: int | None = None) -> AsyncIterator[Stores]:
    """The stores of a worker or job process, from that process's own environment."""
    from agent_runtime.storage import (
        RegisteredAgents,
        StoredKeys,
        StoredLeases,
        StoredMetrics,
        StoredSessions,
        StoredTranscripts,
        StoredWorkers,
        dispatch_listener,
    )
    from agent_runtime.voice.jobs.stores import Stores

    settings = Settings.load(os.environ, env_file=Path(".env"))
    remember(settings.secret_values())
    # Opening SQLite reads the disk, and a call is starting on this event loop.
    database = await asyncio.to_thread(open_database, settings, connections)
    store = settings.database
    try:
        namespace = settings.worker.namespace
        keyring = settings.secrets.keyring()
        sessions = StoredSessions(database, namespace, keyring, keeping(settings))
        yield Stores(
            agents=RegisteredAgents(database, sessions, keyring=keyring),
            sessions=sessions,
            metrics=StoredMetrics(database),
            leases=StoredLeases(database, namespace, keyring),
            transcripts=StoredTranscripts(database),
            workers=StoredWorkers(database, namespace),
            dispatch_listener=dispatch_listener(
                store.url,
                prepare=store.prepare,
                key=settings.livekit.api_key,
                namespace=namespace,
            ),
            text_ids=text_ids(settings, database),
            sources=agent_sources(settings, database),
            keys=StoredKeys(database),
        )
    finally:
        await database.close()


def _drivers(settings: Settings) -> tuple[str, ...]:
    from agent_runtime.storage.sql.url import is_postgres

    kind = "postgres" if is_postgres(settings.database.url) else "sqlite"
    cipher = (CIPHER,) if settings.secrets.keyring().first else ()
    return f"agent_runtime.storage.{kind}.database", f"agent_runtime.storage.{kind}.notify", *cipher


def _voice(settings: Settings) -> VoiceSettings:
    from agent_runtime.voice.jobs.settings import VoiceSettings

    return VoiceSettings(
        worker=settings.worker,
        livekit=settings.livekit,
        providers=settings.provider_defaults(),
        name=settings.worker.name or f"{socket.gethostname()}-{os.getpid()}",
        max_sessions_per_agent=settings.api.max_sessions_per_agent,
        privacy=settings.privacy.tier,
        prices=read_prices(settings.worker.prices_file),
        metrics_key=settings.api.api_key,
        preload=("agent_runtime.wiring.worker", "agent_runtime.storage", *_drivers(settings)),
    )
