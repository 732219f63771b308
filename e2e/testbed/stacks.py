"""API and worker on a database of their own, and the doctor's look at its rows afterwards."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

from fixtures.providers import provider_environ
from fixtures.servers import LiveKitServer, PostgresServer
from fixtures.stack import Stack, StackSettings
from fixtures.stack.stack import command

StartStack: TypeAlias = Callable[..., AbstractContextManager[Stack]]


@contextmanager
def running_stack(
    postgres: PostgresServer,
    livekit: LiveKitServer,
    providers: str,
    log_folder: Path,
    **environ: str,
) -> Iterator[Stack]:
    """API and worker on a fresh database of that server; `environ` wins."""
    with postgres.database(shared_schema=True) as url:
        stack = Stack(
            StackSettings(
                livekit_url=livekit.url,
                livekit_api_key=livekit.api_key,
                livekit_api_secret=livekit.api_secret,
                database_url=url,
                log_folder=log_folder,
                # The machine that tests also has compilers and browsers on it.
                environ={
                    **provider_environ(providers),
                    "WORKER_MOST_CPU_PRESSURE": "100",
                    **environ,
                },
            )
        )
        subprocess.run([command(), "db", "migrate"], env=stack.environ, check=True)
        with stack:
            yield stack
        told = subprocess.run(
            [command(), "doctor"],
            env=stack.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if told.returncode:
            raise AssertionError(f"after the story the rows are wrong:\n{told.stdout}")
