"""The command `keys`: create, list and revoke API keys."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Any

from agent_runtime.cli.access.times import parse_time, shown, table
from agent_runtime.domain.access.keys import ApiKey, InvalidKeyError, parse_scopes
from agent_runtime.domain.errors import AgentRuntimeError, Conflict, InvalidInput, NotFound
from agent_runtime.domain.job import MAX_ID
from agent_runtime.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    steps = parser.add_subparsers(required=True, dest="step", metavar="STEP")
    create = steps.add_parser("create", help="make a key; it is shown once")
    create.add_argument("name", metavar="NAME", help="who uses it, as the audit shows")
    create.add_argument("--tenant", type=int, metavar="N", help="limit it to one tenant")
    create.add_argument("--scope", metavar="S,...", help="what it may do (default: everything)")
    create.add_argument("--expires", metavar="D", help="30d, 12h, 2027-01-31 (default: never)")
    listing = steps.add_parser("list", help="list all keys, also those that are no longer valid")
    revoke = steps.add_parser("revoke", help="make a key invalid, within 5 s")
    revoke.add_argument("name", metavar="NAME_OR_ID")
    for each in (create, listing, revoke):
        each.add_argument("--json", action="store_true", help="print JSON")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run the step; returns 2 for bad input, 1 when there is no such key or too many."""
    step = {"create": _create, "list": _list, "revoke": _revoke}[arguments.step]
    try:
        step(settings, arguments)
    except (InvalidInput, Conflict, NotFound) as error:
        print(_line(error), file=sys.stderr)
        return 2 if isinstance(error, InvalidInput) else 1
    return 0


def _create(settings: Settings, arguments: argparse.Namespace) -> None:
    from agent_runtime.wiring.access import create_key

    tenant, expires = arguments.tenant, arguments.expires
    if tenant is not None and not 1 <= tenant <= MAX_ID:
        raise InvalidKeyError(f"--tenant {tenant}: use an id from 1 to {MAX_ID}")
    now = datetime.now(UTC)
    text, key = asyncio.run(
        create_key(
            settings,
            arguments.name,
            () if arguments.scope is None else parse_scopes(arguments.scope),
            tenant,
            None if expires is None else parse_time(expires, "--expires", now=now, future=True),
        )
    )
    if arguments.json:
        print(json.dumps({"key": text, **_facts(key)}))
        return
    whose = "every tenant" if key.tenant_id is None else f"tenant {key.tenant_id}"
    print(
        f"Key {key.name}, id {key.id}, for {whose}: {', '.join(sorted(key.scopes))}; "
        f"expires: {shown(key.expires_at) or 'never'}. It is shown only now:",
        file=sys.stderr,
    )
    print(text)


def _list(settings: Settings, arguments: argparse.Namespace) -> None:
    from agent_runtime.wiring.access import all_keys

    keys = asyncio.run(all_keys(settings))
    if arguments.json:
        print(json.dumps([_facts(key) for key in keys]))
        return
    if not keys:
        print("no keys")
        return
    header = ("ID", "NAME", "STATE", "TENANT", "CREATED", "EXPIRES", "LAST USED", "SCOPES")
    print(table([header, *map(_row, keys)]))


def _revoke(settings: Settings, arguments: argparse.Namespace) -> None:
    from agent_runtime.wiring.access import revoke_key

    key = asyncio.run(revoke_key(settings, arguments.name))
    if arguments.json:
        print(json.dumps({"id": key.id, "name": key.name, "revoked": True}))
    else:
        print(f"Key {key.name}, id {key.id}, is revoked; running APIs refuse it within 5 s.")


def _facts(key: ApiKey) -> dict[str, Any]:
    """A key for programs to read; never its text or its hash."""
    return {
        "id": key.id,
        "name": key.name,
        "state": _state(key),
        "scopes": sorted(key.scopes),
        "tenant": key.tenant_id,
        "created": shown(key.created_at),
        "expires": shown(key.expires_at),
        "revoked": shown(key.revoked_at),
        "lastUsed": None if key.last_used is None else key.last_used.isoformat(),
    }


def _row(key: ApiKey) -> tuple[str, ...]:
    facts = _facts(key)
    names = ("id", "name", "state", "tenant", "created", "expires", "lastUsed")
    return (*(str(facts[name] or "-") for name in names), ",".join(facts["scopes"]))


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "valid" if key.is_valid(datetime.now(UTC)) else "expired"


def _line(error: AgentRuntimeError) -> str:
    return f"agent-runtime: {error}"
