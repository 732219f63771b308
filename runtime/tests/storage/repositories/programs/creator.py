"""Creates sessions of agent 7 at a signal: `creator.py URL PREPARE HOW_MANY`."""

from __future__ import annotations

import asyncio
import sys

from agent_runtime.domain.errors import AgentRuntimeError
from agent_runtime.domain.session import new_session
from agent_runtime.storage import StoredSessions, open_database


async def main(url: str, prepare: bool, how_many: int) -> None:
    """Print "ready", wait for a line, create all sessions at once and print each outcome."""
    database = open_database(url, prepare=prepare, pool_size=4)
    sessions = StoredSessions(database)
    await database.check()
    print("ready", flush=True)
    sys.stdin.readline()
    outcomes = await asyncio.gather(
        *(sessions.create(new_session(7, 1, "")) for _ in range(how_many)), return_exceptions=True
    )
    for outcome in outcomes:
        if outcome is not None and not isinstance(outcome, AgentRuntimeError):
            raise outcome
        print("created" if outcome is None else type(outcome).__name__)
    await database.close()


asyncio.run(main(sys.argv[1], sys.argv[2] == "True", int(sys.argv[3])))
