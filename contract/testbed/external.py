"""Services that already run, by their addresses."""

from __future__ import annotations

from dataclasses import dataclass

from contract.api.profile import ApiProfile
from contract.errors import WrongTarget
from contract.http.wire import Address
from contract.targets.hooks import command_hook
from contract.targets.http_target import HttpTarget
from contract.targets.target import Hook
from contract.targets.testbed import RESTART, Testbed


@dataclass(frozen=True, slots=True)
class External:
    """Base URLs, the API key of all services, and shell commands; None where there is none."""

    old: str
    new: str
    old_again: str | None = None
    key: str = ""
    reset_old: str | None = None
    reset_new: str | None = None
    restart_old: str | None = None
    restart_new: str | None = None


def external(given: External, profile: ApiProfile) -> Testbed:
    """The services as a testbed. Raises WrongTarget when two addresses are the same."""
    addresses = {"--old": Address.of(given.old), "--new": Address.of(given.new)}
    if given.old_again is not None:
        addresses["--old-again"] = Address.of(given.old_again)
    if len(set(addresses.values())) != len(addresses):
        raise WrongTarget(f"{' and '.join(addresses)} are the same address: nothing to compare")
    old_hooks = _hooks(given.reset_old, given.restart_old, "old")
    new_hooks = _hooks(given.reset_new, given.restart_new, "new")
    again = addresses.get("--old-again")
    return Testbed(
        HttpTarget("old", addresses["--old"], given.key, old_hooks),
        None if again is None else HttpTarget("old-again", again, given.key, old_hooks),
        (HttpTarget("new", addresses["--new"], given.key, new_hooks),),
        profile.faults,
        profile.watching,
    )


def external_old(given: External) -> HttpTarget:
    """The old service alone, to record."""
    hooks = _hooks(given.reset_old, given.restart_old, "old")
    return HttpTarget("old", Address.of(given.old), given.key, hooks)


def _hooks(reset: str | None, restart: str | None, side: str) -> dict[str, Hook]:
    found = {}
    if reset is not None:
        found["reset"] = command_hook(f"--reset-{side}", reset)
    if restart is not None:
        found[RESTART] = command_hook(f"--restart-{side}", restart)
    return found
