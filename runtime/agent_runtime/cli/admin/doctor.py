"""The command `doctor`: check the invariants that the rows of all sessions must satisfy."""

from __future__ import annotations

import argparse
import asyncio

from agent_runtime.secrecy.shown import escaped
from agent_runtime.settings import Settings


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print one line for each violation; returns 1 when there is any, else 0."""
    from agent_runtime.wiring.admin import examine_rows, repair_rows

    if arguments.repair:
        merged = asyncio.run(repair_rows(settings))
        print(f"{merged} sessions: rows of metrics merged")
    broken = asyncio.run(examine_rows(settings))
    for one in broken:
        print(escaped(str(one)))
    print(f"{len(broken)} violations" if broken else "all invariants hold")
    return 1 if broken else 0
