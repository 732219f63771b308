"""Sets up the targets of a run: services started here, or addresses given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from contract.agent_api.services.coverage import Reach
from contract.agent_api.services.services import ManagedOld, managed_new
from contract.errors import TargetUnreachable, WrongTarget
from contract.http.wire import Address
from contract.options import External, Options
from contract.targets.target import FAULTS, Hook, HttpTarget, Target, command_hook
from contract.testbed import preflight
from fixtures.servers.node_service import NodeUnavailable

# What a step may ask to be done to a service before it.
CHANGES = ("restart", *FAULTS.keys(), *FAULTS.values())


@dataclass(frozen=True, slots=True)
class Stage:
    """The targets. `again` is a second old service, None when there is but one."""

    old: Target
    again: Target | None
    news: tuple[Target, ...]

    @property
    def cannot(self) -> frozenset[str]:
        """The changes that some target cannot make."""
        changes = {
            change
            for change in CHANGES
            if not all(target.can(change) for target in (self.old, *self.news))
        }
        return frozenset(changes if self.watched else changes | {"watch-livekit"})

    @property
    def watched(self) -> bool:
        """Whether what the new services ask of LiveKit is seen."""
        return all(isinstance(t, HttpTarget) and t.effects is not None for t in self.news)

    @property
    def faults(self) -> frozenset[str]:
        """The faults that can be brought about, by the contract's names."""
        return frozenset(FAULTS) - self.cannot

    @property
    def can_reset(self) -> bool:
        """Whether every target can be brought to a fresh state."""
        return all(target.can("reset") for target in (self.old, *self.news))


@asynccontextmanager
async def stage(options: Options, reach: Reach | None = None) -> AsyncIterator[Stage]:
    """The targets, checked; `reach` measures our own. Raises Inconclusive with all that is wrong."""
    async with AsyncExitStack() as stack:
        if options.external is not None:
            found = _external(options.external)
        else:
            found = await _managed(stack, options.databases, reach)
        problems = await _problems(found)
        if problems:
            raise WrongTarget("; ".join(problems))
        yield found


async def _problems(found: Stage) -> list[str]:
    """What is wrong with each target, all at once."""
    asked = {"--old": [found.old], "--new": list(found.news)}
    if found.again is not None:
        asked["--old-again"] = [found.again]
    checks = {
        (option, target.name): preflight.check(target)
        for option, targets in asked.items()
        for target in targets
    }
    results = await asyncio.gather(*checks.values(), return_exceptions=True)
    problems = [
        f"{option} ({name}): {result}"
        for (option, name), result in zip(checks, results, strict=True)
        if isinstance(result, BaseException)
    ]
    if not problems:
        await preflight.check_old(found.old)
    return problems


def _external(given: External) -> Stage:
    addresses = {"--old": Address.of(given.old), "--new": Address.of(given.new)}
    if given.old_again is not None:
        addresses["--old-again"] = Address.of(given.old_again)
    if len(set(addresses.values())) != len(addresses):
        raise WrongTarget(f"{' and '.join(addresses)} are the same address: nothing to compare")
    old_hooks = _hooks(given.reset_old, given.restart_old, "old")
    return Stage(
        HttpTarget("old", addresses["--old"], given.key, old_hooks),
        None
        if given.old_again is None
        else HttpTarget("old-again", addresses["--old-again"], given.key, old_hooks),
        (
            HttpTarget(
                "new",
                addresses["--new"],
                given.key,
                _hooks(given.reset_new, given.restart_new, "new"),
            ),
        ),
    )


def _hooks(reset: str | None, restart: str | None, side: str) -> dict[str, Hook]:
    found = {}
    if reset is not None:
        found["reset"] = command_hook(f"--reset-{side}", reset)
    if restart is not None:
        found["restart"] = command_hook(f"--restart-{side}", restart)
    return found


async def _managed(stack: AsyncExitStack, databases: tuple[str, ...], reach: Reach | None) -> Stage:
    try:
        olds = []
        for name in ("old", "old-again"):
            service = ManagedOld(name)
            stack.push_async_callback(service.stop)
            olds.append(await service.start())
    except NodeUnavailable as error:
        raise TargetUnreachable(str(error)) from error
    news = [await stack.enter_async_context(managed_new(database, reach)) for database in databases]
    return Stage(olds[0], olds[1], tuple(news))
