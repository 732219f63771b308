"""Watches the load machine itself: an own loop that lags measures itself and not the agent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import psutil

from load import messages
from load.caller_host.reports import Tell

TICK: Final = 0.05  # seconds
PERIOD: Final = 1.0  # seconds of one report


async def watch(name: str, tell: Tell, callers: Callable[[], int]) -> None:
    """Report each second: lag of this loop (ms, the worst), CPU of this process and of the machine.

    `cpu` is in percent of one core and leaves out the recognition, which has a process of its own;
    `system` in percent of all cores.
    """
    process = psutil.Process()
    process.cpu_percent()
    psutil.cpu_percent()
    while True:
        lag = 0.0
        began = time.monotonic()
        while (now := time.monotonic()) - began < PERIOD:
            await asyncio.sleep(TICK)
            lag = max(lag, time.monotonic() - now - TICK)
        tell(
            {
                "kind": messages.MACHINE,
                "host": name,
                "at": time.time(),
                "lag": round(lag * 1000, 2),
                "cpu": process.cpu_percent(),
                "system": psutil.cpu_percent(),
                "callers": callers(),
            }
        )
