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

API: Final = ("api",)
WORKER: Final = ("worker", "start")
# An API that ends sooner cannot begin at all, and another one could not either.
BORN: Final = 5.0  # seconds
LONGEST_PAUSE: Final = 30.0  # seconds between two tries to start the API again
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)


def serve() -> int:
    """Run API and worker as two children until one ends or a signal comes; returns the exit code.

    The first SIGTERM or SIGINT lets both finish what they are doing; the second makes them leave at
    once. An API that dies is started again: the worker's calls go on, and sessions have a watcher. When
    the worker ends unasked, or the API cannot begin, the other is stopped and the exit code is 1: whoever
    started us restarts us.
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

    children = [_Child(API, stop), _Child(WORKER, stop)]
    ends: list[asyncio.Task[Any]] = [
        asyncio.create_task(_run_api(children[0], stop)),
        asyncio.create_task(children[1].run()),
    ]
    stopping: asyncio.Task[Any] = asyncio.create_task(stop.wait())
    await asyncio.wait([*ends, stopping], return_when=asyncio.FIRST_COMPLETED)

    asked = stop.is_set()
    if not asked:
        child, end = next((c, e) for c, e in zip(children, ends, strict=True) if e.done())
        logger.error("%s ended by itself with exit code %s", child, end.result())
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


class _Child:
    """One of the two, in its process of the moment."""

    def __init__(self, part: Sequence[str], stop: asyncio.Event) -> None:
        self._part = part
        self._stop = stop
        self.process: asyncio.subprocess.Process | None = None

    def __str__(self) -> str:
        return " ".join(self._part)

    async def run(self) -> int:
        """Start it; returns its exit code."""
        self.process = await _start(self._part)
        if self._stop.is_set():  # while it was being started
            self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()


async def _run_api(child: _Child, stop: asyncio.Event) -> int:
    """Start the API whenever it has ended unasked; the exit code of one that is not to be followed."""
    loop = asyncio.get_running_loop()
    failures: int | None = None  # in a row; None before it was well for the first time
    while True:
        began = loop.time()
        try:
            code = await child.run()
        except OSError as error:
            # No process can be had for the moment: the worker's calls are not to end for that.
            logger.warning("%s does not start: %s", child, error)
            code = 1
        if loop.time() - began >= BORN:
            failures = 0
        elif failures is not None:
            failures += 1
        if failures is None or stop.is_set():
            return code
        pause = min(2.0**failures, LONGEST_PAUSE) if failures else 0.0
        logger.error(
            "%s ended by itself with exit code %s, starting it again in %g s", child, code, pause
        )
        try:
            async with asyncio.timeout(pause):
                await stop.wait()
        except TimeoutError:
            continue
        return code


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


def _signal_all(children: Sequence[_Child], number: int) -> None:
    for child in children:
        if child.process is not None and child.process.returncode is None:
            child.process.send_signal(number)
