"""Runs of the gate on lockers in this process: any behaviours, any testbed, a small corpus."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from contract.api.api import Api
from contract.api.profile import ApiProfile, Examples
from contract.options import Options
from contract.record.recording import Amount, record
from contract.run import Run
from contract.targets.http_target import HttpTarget
from contract.targets.testbed import Testbed
from contract.tests.another_api.lockers import PROFILE, Behaviour, Server, profile_for

RIGHT = Behaviour(status_of_collected=410)
OLD = Behaviour()

# From the old service, the second old one and the new ones to the testbed.
Make = Callable[[HttpTarget, HttpTarget, Sequence[HttpTarget]], Testbed]


def all_of_them(old: HttpTarget, again: HttpTarget, news: Sequence[HttpTarget]) -> Testbed:
    """A testbed with the second old service."""
    return Testbed(old, again, tuple(news), {}, "watch-peer")


@dataclass(frozen=True)
class Services:
    """Old services and a new one for each behaviour, tied together by `make`."""

    news: tuple[Behaviour, ...] = (RIGHT,)
    make: Make = all_of_them
    variants: tuple[str, ...] = ("memory",)

    @asynccontextmanager
    async def testbed(
        self, profile: ApiProfile, variants: tuple[str, ...]
    ) -> AsyncIterator[Testbed]:
        """The targets of a run."""
        del profile, variants
        servers = [Server(behaviour) for behaviour in (OLD, OLD, *self.news)]
        names = ["old", "old-again", *(f"new-{n}" for n in range(len(self.news)))]
        try:
            old, again, *news = (s.target(name) for s, name in zip(servers, names, strict=True))
            yield self.make(old, again, news)
        finally:
            for server in servers:
                server.stop()

    @asynccontextmanager
    async def old(self, profile: ApiProfile) -> AsyncIterator[HttpTarget]:
        """One old service."""
        del profile
        server = Server(OLD)
        try:
            yield server.target("old")
        finally:
            server.stop()


async def small_corpus(folder: Path) -> Path:
    """The recorded scenarios of the lockers, without variants: nine requests."""
    files = replace(PROFILE.files, corpus=folder)
    profile = replace(PROFILE, files=files, examples=Examples())
    async with Services().old(profile) as old:
        amount = Amount(seeds=())
        contract = files.contract
        await record(old, Api.load(profile), contract, amount, folder, lambda _: None)
    return folder


def options(corpus: Path, services: Services, command: str = "compare") -> Options:
    """The options of a run on these services, with the lockers' own files."""
    profile = replace(profile_for(corpus), services=services)
    files = profile.files
    return Options(
        command, None, profile, None, files.contract, files.ledger, corpus, 1, None, ("memory",)
    )


async def run(given: Options, log: Callable[[str], None] = lambda _: None) -> Run:
    """One run."""
    found = Run(given, log)
    await found.run()
    return found
