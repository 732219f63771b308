"""Runs API and worker on a new database, and checks its rows with the doctor afterwards."""

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
    """Run API and worker on a new database of `postgres`; `environ` overrides their variables.

    Raises AssertionError when the doctor finds wrong rows at the end.
    """
    with postgres.database(shared_schema=True) as url:
        stack = Stack(
            StackSettings(
                livekit_url=livekit.url,
                livekit_api_key=livekit.api_key,
                livekit_api_secret=livekit.api_secret,
                database_url=url,
                log_folder=log_folder,
                # The test machine also runs compilers and browsers: their CPU pressure must not count.
                environ={
                    **provider_environ(providers),
                    # Stand-ins that an agent's own configuration names.
                    "EGRESS_ALLOW": "http://127.0.0.1",
                    "WORKER_MOST_CPU_PRESSURE": "100",
                    **environ,
                },
            )
        )
        subprocess.run([command(), "db", "migrate"], env=stack.environ, check=True)
        with stack:
            yield stack
        doctor = subprocess.run(
            [command(), "doctor"],
            env=stack.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if doctor.returncode:
            raise AssertionError(f"after the story the rows are wrong:\n{doctor.stdout}")
