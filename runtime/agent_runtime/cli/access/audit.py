"""The command `audit`: print who changed what."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from agent_runtime.cli.access.times import parse_time, shown
from agent_runtime.domain.access.audit import AuditEntry
from agent_runtime.domain.errors import InvalidInput
from agent_runtime.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--since", metavar="D", help="only since then: 12h, 7d, 2026-01-31")
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the entries, the oldest first; returns 2 for a time that is none."""
    since = arguments.since
    try:
        if since is not None:
            since = parse_time(since, "--since", now=datetime.now(UTC), future=False)
    except InvalidInput as error:
        print(f"agent-runtime: {error}", file=sys.stderr)
        return 2
    asyncio.run(_print(settings, since, as_json=arguments.json))
    return 0


async def _print(settings: Settings, since: datetime | None, *, as_json: bool) -> None:
    """Print entry by entry: the table may have millions."""
    from agent_runtime.wiring.access import read_audit

    separator = "["
    async for entry in read_audit(settings, since):
        if as_json:
            print(separator, json.dumps({**asdict(entry), "at": shown(entry.at)}), sep="", end="")
            separator = ",\n "
        else:
            print(_line(entry))
    if as_json:
        print("[]" if separator == "[" else "]")


def _line(entry: AuditEntry) -> str:
    ids = {
        "agent": entry.agent_id,
        "session": entry.session_id,
        "tenant": entry.tenant_id,
        "key": entry.key_id,
    }
    about = " ".join(f"{name} {value}" for name, value in ids.items() if value is not None)
    return f"{shown(entry.at)}  {entry.actor:16}  {entry.operation:16}  {entry.result:4}  {about}"
