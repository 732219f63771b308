"""`agents history`, `rollback` and `diff`."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agent_runtime.agents.fields import with_one_spelling
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.secret_values import without_secrets
from agent_runtime.cli.agents.files import read_file
from agent_runtime.domain.agents.agent import AgentVersion
from agent_runtime.settings import Settings
from agent_runtime.wiring.agents import agent_store


def history(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the versions of an agent, the latest first."""
    found = asyncio.run(_history(settings, arguments.id))
    if arguments.json:
        rows = [
            {
                "version": one.version,
                "registeredAt": one.registered_at.isoformat(),
                "tenantId": one.tenant_id,
                "origin": one.origin,
            }
            for one in found
        ]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    for one in found:
        at = one.registered_at.strftime("%Y-%m-%d %H:%M:%S")
        print(f"{one.version}  {at}  tenant {one.tenant_id}  {one.origin}")
    return 0


def roll_back(settings: Settings, arguments: argparse.Namespace) -> int:
    """Register an earlier version again, as the latest one."""
    version = asyncio.run(_roll_back(settings, arguments.id, arguments.version))
    print(f"version {version} has the content of version {arguments.version} and is in force")
    return 0


def diff(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print what differs; 1 when something does. Of secrets only that they differ."""
    one, other = _config(settings, arguments.one), _config(settings, arguments.other)
    lines = list(_differences(_flat(one), _flat(other)))
    for line in lines:
        print(line)
    return 1 if lines else 0


async def _history(settings: Settings, name: str) -> Sequence[AgentVersion]:
    async with agent_store(settings) as store:
        return await store.history(await store.number(name))


async def _roll_back(settings: Settings, name: str, version: int) -> int:
    async with agent_store(settings) as store:
        return await store.roll_back(await store.number(name), version)


def _config(settings: Settings, name: str) -> Mapping[str, Any]:
    """The registered form of a file, of an agent, or of one of its versions."""
    if Path(name).is_file():
        return read_file(name).config
    return asyncio.run(_stored(settings, name))


async def _stored(settings: Settings, name: str) -> Mapping[str, Any]:
    agent, _, version = name.partition("@")
    async with agent_store(settings) as store:
        agent_id = await store.number(agent)
        if version.isascii() and version.isdigit():
            return (await store.version(agent_id, int(version))).config
        latest = (await store.history(agent_id))[0]
        return (await store.version(agent_id, latest.version)).config


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_leaves(with_one_spelling(AgentConfig, config), ()))


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, one in value.items():
            yield from _leaves(one, (*path, key))
    elif isinstance(value, list) and value:
        for number, one in enumerate(value):
            yield from _leaves(one, (*path, number))
    elif value is not None:
        yield ".".join(map(str, path)), value


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    for path in sorted(one.keys() | other.keys()):
        if one.get(path) == other.get(path) and path in one and path in other:
            continue
        for sign, side in (("-", one), ("+", other)):
            if path in side:
                shown = without_secrets(side[path], path=tuple(path.split(".")))
                yield f"{sign} {path}: {json.dumps(shown, ensure_ascii=False)}"
