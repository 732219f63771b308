"""The event loop of jobs: uvloop. A call is hundreds of small steps a second, and each costs less.

The framework makes the loop of a job by asyncio's policy and has no setting for it. Importing this
module sets the policy; the process that jobs are forked from does it, and they inherit it.
"""

from __future__ import annotations

import asyncio

import uvloop

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
