"""Starts a load run's services on this machine: LiveKit, provider stand-ins, API and worker on SQLite."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fixtures.providers import provider_environ
from fixtures.providers.process import stand_in_process
from fixtures.servers import livekit_server
from fixtures.stack import Stack, StackSettings
from load.services import Services

# Concurrent callers that the stand-in for speech recognition can recognise without delaying one.
RECOGNISE_AT_ONCE: Final = 8


@contextmanager
def local_services(folder: Path) -> Iterator[Services]:
    """Start the services, and stop them at the end; logs go into `folder`.

    Stand-ins have the realistic profile: final transcript after 150 ms, first token after 250 ms, then
    20 ms a token, first sound after 100 ms. Raises ServerUnavailableError or ProcessEndedError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    database = (folder / "load.sqlite3").resolve()
    database.unlink(missing_ok=True)
    with (
        livekit_server(folder) as livekit,
        stand_in_process(folder, "realistic", RECOGNISE_AT_ONCE) as stand_ins,
        Stack(
            StackSettings(
                livekit_url=livekit.url,
                livekit_api_key=livekit.api_key,
                livekit_api_secret=livekit.api_secret,
                database_url=f"sqlite:///{database}",
                log_folder=folder,
                # A run tries settings such as WORKER_PROFILE and SESSION_WHEN_FULL.
                environ=provider_environ(stand_ins) | _runtime_settings(),
            )
        ) as stack,
    ):
        yield Services(
            api=stack.api_url,
            api_key=stack.settings.api_key,
            livekit=livekit.url,
            livekit_key=livekit.api_key,
            livekit_secret=livekit.api_secret,
            database=stack.settings.database_url,
            stand_ins=stand_ins,
        )


def _runtime_settings() -> dict[str, str]:
    prefixes = ("WORKER_", "SESSION_", "MAX_AGENTS_PER_INSTANCE")
    return {name: value for name, value in os.environ.items() if name.startswith(prefixes)}
