"""Services that already run, by their addresses."""

from __future__ import annotations

from dataclasses import dataclass, field

from contract.api.profile import ApiProfile
from contract.errors import WrongTarget
from contract.http.address import Address, Trust
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
    trust: Trust = field(default_factory=Trust)


def external(given: External, profile: ApiProfile) -> Testbed:
    """The services as a testbed. Raises WrongTarget when two addresses are the same."""
    urls = {"--old": given.old, "--new": given.new}
    if given.old_again is not None:
        urls["--old-again"] = given.old_again
    addresses = {option: _address(url, given) for option, url in urls.items()}
    if len(set(addresses.values())) != len(addresses):
        raise WrongTarget(f"{' and '.join(addresses)} are the same address: nothing to compare")
    old_hooks = _hooks(given, "old", given.old)
    new_hooks = _hooks(given, "new", given.new)
    again_hooks = _hooks(given, "old-again", given.old_again or "")
    again = addresses.get("--old-again")
    return Testbed(
        HttpTarget("old", addresses["--old"], given.key, old_hooks),
        None if again is None else HttpTarget("old-again", again, given.key, again_hooks),
        (HttpTarget("new", addresses["--new"], given.key, new_hooks),),
        profile.faults,
        profile.watching,
    )


def external_old(given: External) -> HttpTarget:
    """The old service alone, to record."""
    return HttpTarget("old", _address(given.old, given), given.key, _hooks(given, "old", given.old))


def _address(url: str, given: External) -> Address:
    return Address.of(url).trusting(given.trust)


def _hooks(given: External, name: str, url: str) -> dict[str, Hook]:
    """The hooks of one target; old and old-again share their commands, which learn the URL."""
    side = "new" if name == "new" else "old"
    commands = {
        "reset": given.reset_new if side == "new" else given.reset_old,
        RESTART: given.restart_new if side == "new" else given.restart_old,
    }
    return {
        change: command_hook(f"--{change}-{side}", command, url=url, side=name)
        for change, command in commands.items()
        if command is not None
    }
