"""Creates and ends sessions of agent 7 until it is killed: `writer.py URL`.

Prints `created ID` and `ended ID` as soon as the repository has acknowledged the write.
"""

from __future__ import annotations

import asyncio
import sys

from agent_runtime.domain.session import SessionStatus, new_session
from agent_runtime.storage import StoredSessions, open_database


async def write(sessions: StoredSessions) -> None:
    """Create and end one session after the other."""
    while True:
        session = new_session(7, 1, "")
        await sessions.create(session)
        print(f"created {session.session_id}", flush=True)
        await sessions.finish(session.session_id, SessionStatus.ENDED, "done")
        print(f"ended {session.session_id}", flush=True)


async def main(url: str) -> None:
    """Run eight writers at once."""
    sessions = StoredSessions(open_database(url))
    await asyncio.gather(*(write(sessions) for _ in range(8)))


asyncio.run(main(sys.argv[1]))
