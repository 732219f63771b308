"""`python -m contract.agent_api.explore --minutes N`: explores both services, promotes what it finds.

Exit code 0: nothing found; 1: a service parted from the reference. Its shrunk sequence is printed, and
written to contract/agent_api/found.arazzo.yaml.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from contract.agent_api.explore.machine import explore
from contract.agent_api.explore.promoted import promote
from contract.agent_api.explore.reference import Contract, Node
from contract.agent_api.explore.services import Live
from contract.agent_api.profile import PROFILE
from contract.agent_api.services.managed import AgentServices

FOUND = Path(__file__).parents[1] / "found.arazzo.yaml"


def main() -> int:
    """Explore for some minutes."""
    parser = argparse.ArgumentParser(prog="python -m contract.agent_api.explore")
    parser.add_argument("--minutes", type=float, default=5.0, help="of all services together")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="default: the time")
    parser.add_argument("--restarts", action="store_true", help="restart services, too: slower")
    parser.add_argument("--database", default="sqlite", choices=AgentServices.variants)
    given = parser.parse_args()
    loop = asyncio.new_event_loop()
    run = loop.run_until_complete
    stack = AsyncExitStack()
    try:
        bed = run(stack.enter_async_context(AgentServices().testbed(PROFILE, (given.database,))))
        services = [Live(bed.old, Node, run), *(Live(new, Contract, run) for new in bed.news)]
        print(f"exploring for {given.minutes:g} minutes, seed {given.seed}", flush=True)
        seconds = 60 * given.minutes
        found = explore(services, seconds=seconds, seed=given.seed, restarts=given.restarts)
    finally:
        run(stack.aclose())
        loop.close()
    for finding in found:
        print(finding)
    added = promote([one for one in found if one.service != "old"], FOUND) if found else []
    for name in added:
        print(f"promoted as {name}: run `python -m contract record`, then the gate")
    print(f"{len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
