"""The testbed: our stack on PostgreSQL and, if needed, a stock worker on the same LiveKit server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fixtures.providers import provider_environ
from fixtures.providers.process import stand_in_process
from fixtures.servers import livekit_server, postgres_server
from fixtures.stack import Stack, StackSettings
from fixtures.stack.stack import command
from load.services import OURS, Services
from load.targets.running import stock_services


@dataclass(frozen=True, slots=True)
class Testbed:
    """Our stack, and the services of each target by its name."""

    stack: Stack
    targets: dict[str, Services]

    def doctor(self) -> str:
        """The output of `agent-runtime doctor`, which checks the database."""
        ended = subprocess.run(
            [command(), "doctor"],
            env=self.stack.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        return (ended.stdout or ended.stderr).strip()


@contextmanager
def testbed(folder: Path, *, stock: bool) -> Iterator[Testbed]:
    """Start the testbed, and stop it at the end; logs go into `folder`."""
    with ExitStack() as stack:
        livekit = stack.enter_context(livekit_server(folder))
        postgres = stack.enter_context(postgres_server())
        url = stack.enter_context(postgres.database(shared_schema=True))
        stand_ins = stack.enter_context(stand_in_process(folder))
        settings = StackSettings(
            livekit_url=livekit.url,
            livekit_api_key=livekit.api_key,
            livekit_api_secret=livekit.api_secret,
            database_url=url,
            log_folder=folder,
            environ=provider_environ(stand_ins),
        )
        ours = Stack(settings)
        subprocess.run([command(), "db", "migrate"], env=ours.environ, check=True)
        stack.enter_context(ours)
        services = Services(
            api=ours.api_url,
            api_key=settings.api_key,
            livekit=livekit.url,
            livekit_key=livekit.api_key,
            livekit_secret=livekit.api_secret,
            database=url,
            stand_ins=stand_ins,
        )
        targets = {OURS: services}
        if stock:
            targets["stock"] = stack.enter_context(stock_services(services, folder))
        yield Testbed(ours, targets)
