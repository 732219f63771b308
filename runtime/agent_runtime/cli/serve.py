"""Runs API and worker as one process tree: starts both, stops both, outlives neither."""

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
# Seconds for which an API must have run to count as started. One that ends sooner at its first start
# cannot start at all (a port that is taken, for instance), and another one could not either.
STARTED_AFTER: Final = 5.0
# Most seconds between two restarts of the API; the pause doubles with every failure in a row.
MAX_RESTART_PAUSE: Final = 30.0
_PR_SET_PDEATHSIG: Final = 1  # prctl(2): the signal that this process gets when its parent dies


def serve() -> int:
    """Run API and worker as two child processes until a signal; returns the exit code.

    The first SIGTERM or SIGINT lets both finish their work; the second makes them exit at once. An API
    that dies is restarted, so that the worker's calls go on under a supervisor. When the worker exits
    by itself, or the API cannot start, the other one is stopped and the exit code is 1: the service
    manager restarts us.
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

    requested = stop.is_set()
    if not requested:
        child, end = next((c, e) for c, e in zip(children, ends, strict=True) if e.done())
        logger.error("%s ended by itself with exit code %s", child, end.result())
        stop.set()
    _signal_all(children, signal.SIGTERM)
    killing: asyncio.Task[Any] = asyncio.create_task(kill.wait())
    both: asyncio.Future[Any] = asyncio.gather(*ends)
    await asyncio.wait([both, killing], return_when=asyncio.FIRST_COMPLETED)
    if not both.done():
        # The second signal to the worker: it exits at once and ends its job processes.
        _signal_all(children, signal.SIGTERM)
    codes = await both
    stopping.cancel()
    killing.cancel()
    return 0 if requested and not any(codes) else 1


class _Child:
    """API or worker, in its current process."""

    def __init__(self, part: Sequence[str], stop: asyncio.Event) -> None:
        self._part = part
        self._stop = stop
        self.process: asyncio.subprocess.Process | None = None

    def __str__(self) -> str:
        return " ".join(self._part)

    async def run(self) -> int:
        """Start the process and wait for it; returns its exit code."""
        self.process = await _start(self._part)
        if self._stop.is_set():  # the signal came while it was starting
            self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()


async def _run_api(child: _Child, stop: asyncio.Event) -> int:
    """Restart the API whenever it exits by itself; returns the exit code of the last one."""
    loop = asyncio.get_running_loop()
    failures: int | None = None  # in a row; None until it has started once
    while True:
        started_at = loop.time()
        try:
            code = await child.run()
        except OSError as error:
            # The machine has no process to spare for now. The worker's calls must not end for that.
            logger.warning("%s cannot be started: %s", child, error)
            code = 1
        if loop.time() - started_at >= STARTED_AFTER:
            failures = 0
        elif failures is not None:
            failures += 1
        if failures is None or stop.is_set():
            return code
        pause = min(2.0**failures, MAX_RESTART_PAUSE) if failures else 0.0
        logger.error(
            "%s ended by itself with exit code %s, restarting it in %g s", child, code, pause
        )
        try:
            async with asyncio.timeout(pause):
                await stop.wait()
        except TimeoutError:
            continue
        return code


async def _start(part: Sequence[str]) -> asyncio.subprocess.Process:
    # In a session of its own: Ctrl-C at the terminal reaches only us, so each child gets one signal.
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
