"""The command `erase`: erase what is stored of one caller."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from agent_runtime.domain.callers.erasure import CallerIsLive
from agent_runtime.settings import Settings


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the rows by table; returns 1 when a second search still finds one, or a session is live."""
    from agent_runtime.wiring.admin import erase_caller

    if not arguments.caller:
        print("agent-runtime: --caller: no participant has an empty identity", file=sys.stderr)
        return 2
    try:
        done = asyncio.run(erase_caller(settings, arguments.caller, dry_run=arguments.dry_run))
    except CallerIsLive as error:
        print(f"agent-runtime: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        found = {
            "erased": done.erased,
            "found": dict(done.found),
            "remaining": dict(done.remaining),
        }
        print(json.dumps(found))
    else:
        for table, rows in done.found.items():
            print(f"{table}: {rows} rows")
        if done.erased:
            print(f"erased; a second search found {sum(done.remaining.values())} rows")
        else:
            print("nothing was erased" if done.found else "nothing is stored of this caller")
    return 1 if done.erased and done.remaining else 0
