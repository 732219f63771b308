"""What a process can serve: the providers whose package is here, and whether there is a key for them."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Mapping
from pathlib import Path

from agent_runtime.providers.common.installed import InstalledSpec, installed_spec
from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults, Stage
from agent_runtime.providers.registry import installation, is_installed, spec_of, specs
from agent_runtime.providers.way_out import INFERENCE, SERVED, name_there

# Providers whose package is there, by name, and whether the process has a key. Never the keys themselves.
Serves = Mapping[str, bool]


def serves(providers: Mapping[Stage, Mapping[str, ProviderDefaults]]) -> Serves:
    """What this process can serve with these settings. Reads the disk, and loads no plugin."""
    found = {
        name: bool(defaults.api_key)
        for by_name in providers.values()
        for name, defaults in by_name.items()
        if is_installed(specs()[name])
    }
    for name in _other_plugins():
        other = installed_spec(name)
        if other is not None and name not in found:
            stage = next(iter(other.stages))
            found[name] = bool(providers[stage][name].api_key)
    return found


def why_not(stage: Stage, choice: ProviderChoice, given: Serves, where: str) -> str | None:
    """Why a process that serves `given` cannot serve this choice; None when it can.

    `where` says in the message which process lacks it: "no running worker has", "this API has not".
    """
    spec = spec_of(choice.provider)
    is_served_there = name_there(choice.provider) in SERVED[stage]
    if given.get(INFERENCE) and is_served_there and not (choice.api_key or choice.base_url):
        return None
    if choice.provider not in given:
        return f"{spec.title} needs the package {installation(spec)}, which {where}"
    if (
        given[choice.provider]
        or (choice.api_key and spec.takes_agents_keys)
        or not _needs_key(choice.provider, stage)
    ):
        return None
    return (
        f"{spec.title} needs a key, which {where}: set {spec.api_key.name} for the workers, or apiKey in "
        f"{stage.name.lower()}Config"
    )


def _needs_key(name: str, stage: Stage) -> bool:
    """A plugin without a folder here may authenticate in a way of its own."""
    spec = spec_of(name)
    return not isinstance(spec, InstalledSpec) or "api_key" in spec.constructors[stage].options


def _other_plugins() -> list[str]:
    folders = [str(Path(entry) / "livekit" / "plugins") for entry in sys.path]
    names = (module.name for module in pkgutil.iter_modules(folders) if module.ispkg)
    return sorted(set(names) - specs().keys())
