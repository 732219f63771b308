"""The command `sessions`: list the live sessions, or follow the events of one."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime

from agent_runtime.cli.session_table import event_line, table
from agent_runtime.domain.errors import SessionNotFound
from agent_runtime.secrecy.shown import escaped
from agent_runtime.settings import Settings


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the table, or the events of `--follow` until that session is over."""
    if arguments.follow is None:
        return _list(settings)
    try:
        asyncio.run(_follow(settings, arguments.follow))
    except SessionNotFound as error:
        print(f"agent-runtime: {escaped(str(error))}", file=sys.stderr)
        return 1
    return 0


def _list(settings: Settings) -> int:
    from agent_runtime.wiring.admin import live_sessions

    print("\n".join(table(asyncio.run(live_sessions(settings)), datetime.now(UTC))))
    return 0


async def _follow(settings: Settings, session_id: str) -> None:
    from agent_runtime.wiring.admin import follow_session

    async for event in follow_session(settings, session_id):
        print(event_line(event), flush=True)
