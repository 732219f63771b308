"""Builds the agent server, one for all agents, and runs it with what accompanies it."""

from __future__ import annotations

import asyncio
import math
import os
from dataclasses import replace
from functools import partial
from typing import Final

from livekit.agents import AgentServer
from prometheus_client import CollectorRegistry

from agent_runtime.application.key_ring import KeyRing
from agent_runtime.domain.job import JobTarget
from agent_runtime.providers.registry import import_default_plugins
from agent_runtime.providers.serving import serves
from agent_runtime.telemetry.turn_metrics import TurnMetrics, receive_turns
from agent_runtime.voice.call.call import run_call
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.jobs.stores import OpenStores
from agent_runtime.voice.machine.pod import Pod, PodDeletionCost
from agent_runtime.voice.pipeline.session import prewarm
from agent_runtime.voice.worker.admission import Admission
from agent_runtime.voice.worker.connectivity import Connectivity
from agent_runtime.voice.worker.direct_dispatch import DirectDispatch
from agent_runtime.voice.worker.health import LOOPBACK, HealthPort, register_gauges
from agent_runtime.voice.worker.heartbeat import STOPPED, Heartbeat
from agent_runtime.voice.worker.run_until_signal import run_until_signal

# Attempts to connect to LiveKit, ten seconds apart, before the worker gives up: two hours. One that gives
# up ends its calls with it, and one that never does looks healthy for ever.
MAX_CONNECT_ATTEMPTS: Final = 720
# Variable with the milliseconds that a job's event loop may be blocked before LiveKit's framework warns; 0
# switches its monitor off, which wakes each job a hundred times a second, an eighth of what a call costs.
LOOP_MONITOR_VARIABLE: Final = "LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS"
# Variable with the number of threads in which LiveKit's native client passes on audio and signals in each
# job; by default one per CPU. A call gives them little to do, and a single thread need not hand over.
FFI_THREADS_VARIABLE: Final = "TOKIO_WORKER_THREADS"
# Modules that the fork server imports once, so that every job inherits them.
PRELOADED: Final = (
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
    """Build the agent server and the admission that decides about its jobs.

    The server has no agent name, so it serves automatic and explicit dispatch. With a `target` every job is
    for that agent, whatever its room: the console has no room. `health` is the host and port of the
    framework's own health endpoint, by default those of the settings.
    """
    os.environ.setdefault(LOOP_MONITOR_VARIABLE, "0")  # job processes inherit it
    os.environ.setdefault(FFI_THREADS_VARIABLE, "1")
    worker, livekit = settings.worker, settings.livekit
    if worker.turn_detector_plugin:
        # Its model runs in a process of its own, which the server starts for plugins that are imported.
        from livekit.plugins.turn_detector import multilingual  # noqa: F401
    # Here, because the console runs its job on another thread, where plugins cannot be imported.
    plugins = import_default_plugins()

    host, port = health or (worker.health_host, worker.health_port)
    server = AgentServer(
        ws_url=livekit.url,
        api_key=livekit.api_key,
        api_secret=livekit.api_secret.get_secret_value(),
        # Admission decides; the framework's own limit would refuse small bursts.
        load_threshold=math.inf,
        max_retry=MAX_CONNECT_ATTEMPTS,
        num_idle_processes=worker.idle_processes,
        host=host,
        port=port,
        drain_timeout=max(worker.drain_timeout, 1),  # 0 would mean no limit
        setup_fnc=prewarm,
        preload_modules=[*PRELOADED, *plugins, *settings.preload],
        job_memory_limit_mb=worker.job_memory_limit,
    )
    admission = Admission(server, settings.name, worker.max_calls, worker.most_cpu_pressure)
    server.load_fnc = admission.load
    # A function of a module with picklable arguments: job processes receive it by name.
    entrypoint = partial(run_call, settings=settings, open_stores=open_stores, target=target)
    server.rtc_session(entrypoint, on_request=admission.answer)
    return server, admission


async def serve(settings: VoiceSettings, open_stores: OpenStores) -> int:
    """Serve until a signal: the first drains, the second ends at once. Returns the exit code.

    Raises CannotStart.
    """
    registry = CollectorRegistry()
    turns = TurnMetrics(registry)
    async with receive_turns(turns) as turns_socket, open_stores() as stores:
        settings = replace(settings, turns_socket=turns_socket)
        server, admission = build_server(settings, open_stores, health=(LOOPBACK, 0))
        admission.claims.leases = stores.leases
        admission.text_ids = stores.text_ids
        _refuse_until_started(server, admission)
        register_gauges(admission, registry)
        can_serve = await asyncio.to_thread(serves, settings.providers)
        heartbeat = Heartbeat(settings.name, admission, stores, turns, can_serve)
        connectivity = Connectivity(settings.livekit.url, admission)
        background = [
            asyncio.create_task(heartbeat.run(), name="heartbeat"),
            asyncio.create_task(connectivity.run(), name="connectivity"),
        ]
        direct_dispatch = None
        if (listener := stores.dispatch_listener) is not None:
            direct_dispatch = DirectDispatch(server, admission, settings.livekit, listener)
            background.append(asyncio.create_task(direct_dispatch.run(), name="direct dispatch"))
        if (files := stores.sources.files) is not None:
            background.append(asyncio.create_task(files.watch(), name="configuration files"))
        if settings.worker.pod_deletion_cost:
            pod = Pod.of_this_process(settings.name)
            cost = PodDeletionCost(pod, lambda: len(admission.jobs))
            background.append(asyncio.create_task(cost.run(), name="pod deletion cost"))
        host, port = settings.worker.health_host, settings.worker.health_port
        try:
            key = settings.metrics_key.get_secret_value()
            ring = None if stores.keys is None else KeyRing(stores.keys)
            async with HealthPort(server, host, port, registry, key, ring):
                return await run_until_signal(server, admission, direct_dispatch, background)
        finally:
            for task in background:
                task.cancel()
            await asyncio.wait(background)
            await heartbeat.report(STOPPED)


def _refuse_until_started(server: AgentServer, admission: Admission) -> None:
    """Refuse jobs until the agent server's processes are warm: it launches none before, for seconds."""

    def on_start() -> None:
        admission.starting = False

    admission.starting = True
    server.once("worker_started", on_start)
