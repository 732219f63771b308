"""Runs the agent server until a signal, then drains it."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
from collections.abc import Collection

from livekit.agents import AgentServer

from agent_runtime.voice.worker.admission import Admission
from agent_runtime.voice.worker.direct_dispatch import DirectDispatch

logger = logging.getLogger(__name__)


async def run_until_signal(
    server: AgentServer,
    admission: Admission,
    direct_dispatch: DirectDispatch | None,
    background: Collection[asyncio.Task[None]],
) -> int:
    """Serve until SIGTERM or SIGINT, then drain: no new calls, and the present ones run to their end.

    A second signal ends the process at once. The end of a `background` task drains as well, and the exit
    code is 1 then; so it is when the agent server ends by itself, unless its error is raised.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            logger.warning("second %s: ending at once", number.name)
            _exit_now()
        logger.info("%s: no new calls, waiting for the present ones", number.name)
        admission.draining = True
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)

    serving = asyncio.create_task(server.run())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopping, *background], return_when=asyncio.FIRST_COMPLETED)
    failed = not stop.is_set() and not serving.done()
    if failed:
        # Without the background tasks sessions would be lost silently; the present calls do not need them.
        logger.critical("%s: no new calls, then this worker ends", _describe_end(background))
        admission.draining = True
    elif not stop.is_set():
        stopping.cancel()
        try:
            serving.result()  # raises what ended it
        finally:
            await server.aclose()  # no job process outlives it
        return 1
    if direct_dispatch is not None:
        await direct_dispatch.settle()  # a server that drains launches nothing more
    try:
        await server.drain()
    except TimeoutError:
        logger.warning("some calls still run at the drain deadline; they are ended")
    await server.aclose()
    await serving
    stopping.cancel()
    logger.info("worker stopped")
    return 1 if failed else 0


def _describe_end(background: Collection[asyncio.Task[None]]) -> str:
    task = next(task for task in background if task.done())
    return f"{task.get_name()} ended by itself ({task.exception()!r})"


def _exit_now() -> None:
    for process in multiprocessing.active_children():
        process.kill()
    os._exit(1)
