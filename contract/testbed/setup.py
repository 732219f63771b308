"""Sets up the testbed of a run: services that the gate starts itself, or given addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contract.api.profile import ApiProfile
from contract.errors import BrokenInput, WrongTarget
from contract.targets.testbed import Testbed
from contract.testbed import preflight
from contract.testbed.external import External, external


@asynccontextmanager
async def testbed(
    profile: ApiProfile, given: External | None, variants: tuple[str, ...]
) -> AsyncIterator[Testbed]:
    """The targets, checked; without `given` the profile's own services, one new one a variant.

    Raises Inconclusive with the faults of all targets.
    """
    if given is not None:
        found = external(given, profile)
        await _check(found, profile)
        yield found
    elif profile.services is None:
        raise BrokenInput(f"the profile of {profile.name} starts no services: pass --old and --new")
    else:
        async with profile.services.testbed(profile, variants) as found:
            await _check(found, profile)
            yield found


async def _check(found: Testbed, profile: ApiProfile) -> None:
    """Raises WrongTarget with what is wrong with each target, all at once."""
    options = {"--old": [found.old], "--new": list(found.news)}
    if found.again is not None:
        options["--old-again"] = [found.again]
    checks = {
        (option, target.name): preflight.check(target, profile)
        for option, targets in options.items()
        for target in targets
    }
    results = await asyncio.gather(*checks.values(), return_exceptions=True)
    problems = [
        f"{option} ({name}): {result}"
        for (option, name), result in zip(checks, results, strict=True)
        if isinstance(result, BaseException)
    ]
    if problems:
        raise WrongTarget("; ".join(problems))
    await preflight.check_old(found.old, profile)
