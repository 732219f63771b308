"""`agents list`, `show`, `export` and `schema`."""

from __future__ import annotations

import argparse
import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from agent_runtime.agents.forms.document import Form
from agent_runtime.agents.forms.file import to_file
from agent_runtime.agents.forms.json_schema import schemas
from agent_runtime.agents.forms.registered import parse_registered
from agent_runtime.agents.in_force import in_force
from agent_runtime.agents.instructions import fill_texts, instructions
from agent_runtime.agents.secret_values import without_secrets
from agent_runtime.settings import Settings
from agent_runtime.wiring.agents import FoundConfig, ListedAgent, agent_store, defaults_of

# Characters of a value that a line shows; the rest is cut off.
MAX_SHOWN = 80


def list_agents(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print a line for each registered agent."""
    agents = asyncio.run(_list(settings))
    if arguments.json:
        rows = [
            {
                "agentId": one.agent_id,
                "textId": one.text_id,
                "tenantId": one.registration.tenant_id,
                "version": one.registration.version,
                "name": one.registration.config.get("name"),
            }
            for one in agents
        ]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    for one in agents:
        name = one.registration.config.get("name") or ""
        text = f" ({one.text_id})" if one.text_id else ""
        print(
            f"{one.agent_id}{text}  tenant {one.registration.tenant_id}"
            f"  version {one.registration.version}  {name}".rstrip()
        )
    return 0


def show(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print every value that is in force, with the source that it comes from."""
    found = asyncio.run(_find(settings, arguments.id))
    if arguments.prompt:
        print(_prompt(found))
        return 0
    values = in_force(found.config, found.layers, defaults_of(settings))
    shown: list[tuple[str, Any, str]] = [
        (one.path, _hidden(one.path, one.value), one.source) for one in values
    ]
    if arguments.json:
        report = {path: {"value": value, "source": source} for path, value, source in shown}
        print(json.dumps(report, indent=2, ensure_ascii=False))
        return 0
    print(f"agent {found.agent_id}, tenant {found.tenant_id}, version {found.version or 'none'}")
    width = max(len(path) for path, _, _ in shown)
    for path, value, source in shown:
        text = json.dumps(value, ensure_ascii=False)
        if len(text) > MAX_SHOWN:
            text = f"{text[:MAX_SHOWN]}..."
        print(f"{path:<{width}}  {text}  [{source}]")
    return 0


def _prompt(found: FoundConfig) -> str:
    """The instructions of a call that begins now, without values of its own."""
    now = datetime.now(UTC)
    return instructions(fill_texts(parse_registered(found.config), {}, now).config, now)


def export(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the registration in one of the forms; secrets are hidden unless their paths are given."""
    agent_id, text_id, tenant_id, config = asyncio.run(
        _registered(settings, arguments.id, arguments.version)
    )
    body: dict[str, Any]
    if arguments.form == Form.FILE:
        body = to_file(config, text_id or agent_id)
    else:
        body = {"agentId": agent_id, "tenantId": tenant_id, "config": config}
    secrets = frozenset(arguments.secret)
    shown = secrets | {f"config.{path}" for path in secrets}
    print(json.dumps(without_secrets(body, shown), indent=2, ensure_ascii=False))
    return 0


def schema(_settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the JSON Schema of a form."""
    print(json.dumps(schemas()[arguments.form], indent=2, ensure_ascii=False))
    return 0


def _hidden(path: str, value: Any) -> Any:
    """The value, with its secrets hidden."""
    hidden: Any = without_secrets(value, path=tuple(path.split(".")))
    return hidden


async def _list(settings: Settings) -> list[ListedAgent]:
    async with agent_store(settings) as store:
        return await store.list()


async def _find(settings: Settings, name: str) -> FoundConfig:
    async with agent_store(settings) as store:
        return await store.find(await store.number(name))


async def _registered(
    settings: Settings, name: str, version: int | None
) -> tuple[int, str | None, int, dict[str, Any]]:
    """Number, text id, tenant and configuration of what is registered, or was as this version."""
    async with agent_store(settings) as store:
        agent_id = await store.number(name)
        if version is None:
            version = (await store.history(agent_id))[0].version
        found = await store.version(agent_id, version)
        texts = await store.text_ids.all()
        return agent_id, texts.get(agent_id), found.tenant_id, dict(found.config)
