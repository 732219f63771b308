"""The agent server: one entry point for every agent."""

from __future__ import annotations

import asyncio
import logging
import math
import multiprocessing
import os
import signal
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import Final

from livekit.agents import AgentServer
from prometheus_client import CollectorRegistry, Gauge

from agent_runtime.domain.job import JobTarget
from agent_runtime.telemetry.turn_metrics import TurnMetrics, receive_turns
from agent_runtime.voice.call.call import run_call
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.jobs.stores import OpenStores
from agent_runtime.voice.pipeline.session import prewarm
from agent_runtime.voice.worker.admission import Admission
from agent_runtime.voice.worker.connectivity import Connectivity
from agent_runtime.voice.worker.direct_dispatch import DirectDispatch
from agent_runtime.voice.worker.health import LOOPBACK, HealthPort
from agent_runtime.voice.worker.heartbeat import STOPPED, Heartbeat

logger = logging.getLogger(__name__)

MOST_TRIES: Final = 720  # to reach LiveKit, ten seconds apart: two hours
# Milliseconds that a job's event loop may be blocked before the framework says so; 0: it does not watch.
# Its watch wakes each job a hundred times a second, an eighth of what a call costs.
LOOP_WATCH: Final = "LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS"
# Threads in which LiveKit's native client passes sound and signals on, in each job; otherwise one a CPU.
# One has little to do in a call, and hands over to nobody.
CLIENT_THREADS: Final = "TOKIO_WORKER_THREADS"
# What the process has imported that jobs are forked from.
INHERITED: Final = (
    "agent_runtime.voice.call.call",
    "agent_runtime.voice.livekit_tuning.preload",
    "agent_runtime.voice.livekit_tuning.event_loop",
)


def build_server(
    settings: VoiceSettings,
    open_stores: OpenStores,
    target: JobTarget | None = None,
    health: tuple[str, int] | None = None,
) -> tuple[AgentServer, Admission]:
    """The agent server, and what decides about its jobs.

    It has no agent name: so it serves automatic and explicit dispatch.

    With a `target` every job is for that agent, whatever its room; the console has no room.
    """
    os.environ.setdefault(LOOP_WATCH, "0")  # job processes inherit it
    os.environ.setdefault(CLIENT_THREADS, "1")
    if settings.worker.turn_detector_plugin:
        # Its model runs in a process of its own, which the server starts for plugins it knows.
        from livekit.plugins.turn_detector import multilingual  # noqa: F401

    worker, livekit = settings.worker, settings.livekit
    host, port = health or (worker.health_host, worker.health_port)
    server = AgentServer(
        ws_url=livekit.url,
        api_key=livekit.api_key,
        api_secret=livekit.api_secret.get_secret_value(),
        # Admission decides; the framework's own slot arithmetic refuses small bursts.
        load_threshold=math.inf,
        # A worker that gives up takes its calls along, and one that never does looks well for ever.
        max_retry=MOST_TRIES,
        num_idle_processes=worker.idle_processes,
        host=host,
        port=port,
        drain_timeout=max(worker.drain_timeout, 1),  # 0 would be without end
        setup_fnc=prewarm,
        preload_modules=[*INHERITED, *settings.preload],
    )
    admission = Admission(server, settings.name, worker.max_calls, worker.most_cpu_pressure)
    server.load_fnc = admission.load
    # A function of a module with picklable arguments: job processes receive it by name.
    entrypoint = partial(run_call, settings=settings, open_stores=open_stores, target=target)
    server.rtc_session(entrypoint, on_request=admission.answer)
    return server, admission


async def serve(settings: VoiceSettings, open_stores: OpenStores) -> int:
    """Serve until a signal: the first drains, the second leaves at once; returns the exit code."""
    registry, worker = CollectorRegistry(), settings.worker
    turns = TurnMetrics(registry)
    async with receive_turns(turns) as path, open_stores() as stores:
        inside = replace(settings, turns_socket=path)
        server, admission = build_server(inside, open_stores, health=(LOOPBACK, 0))
        admission.leases = stores.leases
        _take_nothing_before_start(server, admission)
        _show(admission, registry)
        presence = Heartbeat(settings.name, admission, stores, turns)
        reach = Connectivity(settings.livekit.url, admission)
        beside = [
            asyncio.create_task(presence.run(), name="presence"),
            asyncio.create_task(reach.run(), name="reach"),
        ]
        unoffered = None
        if stores.dispatch_listener is not None:
            unoffered = DirectDispatch(server, admission, inside, stores.dispatch_listener)
            beside.append(asyncio.create_task(unoffered.run(), name="unoffered"))
        try:
            async with HealthPort(server, worker.health_host, worker.health_port, registry):
                return await _serve(server, admission, unoffered, beside)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)
            await presence.report(STOPPED)


def _take_nothing_before_start(server: AgentServer, admission: Admission) -> None:
    """The agent server launches no job before its processes are warm, which takes seconds."""

    def on_start() -> None:
        admission.starting = False

    admission.starting = True
    server.once("worker_started", on_start)


def _show(admission: Admission, registry: CollectorRegistry) -> None:
    def gauge(name: str, text: str, read: Callable[[], float]) -> None:
        Gauge(f"agent_runtime_{name}", text, registry=registry).set_function(read)

    gauge("calls", "Calls that this worker holds.", lambda: len(admission.taken))
    gauge("free_places", "Further calls that it would take now.", lambda: admission.free)
    gauge(
        "cpu_pressure_percent",
        "Share of the last three seconds in which a task waited for a CPU.",
        lambda: math.nan if admission.pressure.cpu is None else admission.pressure.cpu,
    )
    gauge("livekit_reachable", "1 while LiveKit answers, else 0.", lambda: not admission.cut_off)
    gauge("loop_lag_seconds", "How late the event loop is.", lambda: admission.pressure.lag)


async def _serve(
    server: AgentServer,
    admission: Admission,
    unoffered: DirectDispatch | None,
    beside: Collection[asyncio.Task[None]],
) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            logger.warning("%s again: leaving at once", number.name)
            _leave_at_once()
        logger.info("%s: no new calls, waiting for those that run", number.name)
        admission.draining = True
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)

    serving = asyncio.create_task(server.run())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopping, *beside], return_when=asyncio.FIRST_COMPLETED)
    failed = not stop.is_set() and not serving.done()
    if failed:
        # Without it sessions would be lost silently; the calls that run do not need it.
        logger.critical("%s: no new calls, then this worker ends", _what_ended(beside))
        admission.draining = True
    elif not stop.is_set():
        stopping.cancel()
        try:
            serving.result()  # raises what ended it
        finally:
            await server.aclose()  # no job process outlives it
        return 1
    if unoffered is not None:
        await unoffered.settle()  # a server that drains launches nothing more
    try:
        await server.drain()
    except TimeoutError:
        logger.warning("calls still run at the drain's deadline; they are ended")
    await server.aclose()
    await serving
    stopping.cancel()
    logger.info("worker stopped")
    return 1 if failed else 0


def _what_ended(beside: Collection[asyncio.Task[None]]) -> str:
    task = next(task for task in beside if task.done())
    return f"{task.get_name()} ended by itself ({task.exception()!r})"


def _leave_at_once() -> None:
    for process in multiprocessing.active_children():
        process.kill()
    os._exit(1)
