"""Gives jobs uvloop as event loop: a call takes hundreds of small steps a second, and each costs less.

LiveKit's framework creates the loop of a job by asyncio's policy and has no setting for it. Importing this
module sets the policy; the fork server imports it, and jobs inherit the policy.
"""

from __future__ import annotations

import asyncio

import uvloop

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
