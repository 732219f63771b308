"""One process tree for API and worker: start both, stop both, outlive neither."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import signal
import sys
from collections.abc import Sequence
from typing import Any, Final

logger = logging.getLogger(__name__)

PARTS: Final[Sequence[Sequence[str]]] = (("api",), ("worker", "start"))
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)


def serve() -> int:
    """Run API and worker as two children until one ends or a signal comes; returns the exit code.

    The first SIGTERM or SIGINT lets both finish what they are doing; the second makes them leave at
    once. When one child ends unasked, the other is stopped and the exit code is 1: whoever started
    us restarts us.
    """
    return asyncio.run(_serve())


async def _serve() -> int:
    stop = asyncio.Event()
    kill = asyncio.Event()

    def on_signal() -> None:
        (kill if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)

    children = [await _start(part) for part in PARTS]
    ends: list[asyncio.Task[Any]] = [asyncio.create_task(child.wait()) for child in children]
    stopping: asyncio.Task[Any] = asyncio.create_task(stop.wait())
    await asyncio.wait([*ends, stopping], return_when=asyncio.FIRST_COMPLETED)

    asked = stop.is_set()
    if not asked:
        gone = next(i for i, end in enumerate(ends) if end.done())
        code = children[gone].returncode
        logger.error("%s ended by itself with exit code %s", " ".join(PARTS[gone]), code)
        stop.set()
    _signal_all(children, signal.SIGTERM)
    killing: asyncio.Task[Any] = asyncio.create_task(kill.wait())
    everyone: asyncio.Future[Any] = asyncio.gather(*ends)
    await asyncio.wait([everyone, killing], return_when=asyncio.FIRST_COMPLETED)
    if not everyone.done():
        # The worker's own second signal: it leaves at once and takes its job processes along.
        _signal_all(children, signal.SIGTERM)
    codes = await everyone
    stopping.cancel()
    killing.cancel()
    return 0 if asked and not any(codes) else 1


async def _start(part: Sequence[str]) -> asyncio.subprocess.Process:
    # A session of its own: Ctrl-C at the terminal reaches us alone, and each child gets one signal.
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "agent_runtime",
        *part,
        start_new_session=True,
        preexec_fn=_die_with_parent,
    )


def _die_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal_all(children: Sequence[asyncio.subprocess.Process], number: int) -> None:
    for child in children:
        if child.returncode is None:
            child.send_signal(number)
