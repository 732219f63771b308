"""Watches the load machine itself: if this event loop lags, its measurements include its own delay."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import psutil

from load import messages
from load.caller_host.reports import Report

TICK: Final = 0.05  # seconds between two looks at the lag of the loop
PERIOD: Final = 1.0  # seconds between two reports


async def watch(name: str, report: Report, callers: Callable[[], int]) -> None:
    """Report each second the worst lag of this loop (ms) and the CPU of this process and of the machine.

    `cpu` is in percent of one core, without the recognition, which runs in another process; `system` is in
    percent of all cores.
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
        report(
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
