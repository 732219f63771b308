"""The worker tells of itself, and gives back the sessions of job processes that have died."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.lease import Holder, WorkerState
from agent_runtime.telemetry.log_throttle import LogThrottle
from agent_runtime.telemetry.turn_metrics import TurnMetrics
from agent_runtime.voice.jobs.stores import Stores
from agent_runtime.voice.machine.pressure import LagMeter, PressureGauge
from agent_runtime.voice.worker.admission import Admission

logger = logging.getLogger(__name__)

LOOK_EVERY: Final = 0.2  # seconds between two looks at the job processes
TELL_EVERY: Final = 1.0  # and between two words about ourselves
STATM: Final = Path("/proc/self/statm")
RUNNING: Final = "running"
DRAINING: Final = "draining"
STOPPED: Final = "stopped"


class Heartbeat:
    """Runs beside the agent server, on its loop."""

    def __init__(self, name: str, admission: Admission, stores: Stores, turns: TurnMetrics) -> None:
        self._name = name
        self._turns = turns
        self._admission = admission
        self._stores = stores
        self._started_at = datetime.now(UTC)
        self._looked_at = 0.0
        self._told_free = math.inf  # nothing has been told yet
        self._gauge = PressureGauge()
        self._cpu_at = time.monotonic(), _cpu_seconds()
        self._unreleased: dict[str, str] = {}
        self._without_database = LogThrottle(logger, "worker's row not written")

    async def run(self) -> None:
        """Until cancelled."""
        meter = LagMeter()
        try:
            while True:
                try:
                    await self._look(meter)
                except Exception:
                    logger.exception("worker's row: this look failed, the next one comes")
                await asyncio.sleep(LOOK_EVERY)
        finally:
            meter.close()

    async def report(self, status: str) -> None:
        """Write our row, and see who else is there. A database that is away is logged."""
        admission = self._admission
        self._told_free = free = 0 if status == STOPPED else admission.free
        instance = WorkerState(
            self._name,
            "",
            status,
            active=len(admission.taken),
            free=free,
            handled=admission.handled,
            cpu_percent=self._cpu_percent(),
            memory_mb=_resident_mb(),
            turns=dict(self._turns.sums),
        )
        try:
            await self._stores.workers.report(instance, self._started_at)
            others = [one for one in await self._stores.workers.all() if one.name != self._name]
        except StoreUnavailable as error:
            self._without_database.failed(error)
            return
        self._without_database.recovered()
        self._admission.others_free = any(one.free for one in others)

    async def _look(self, meter: LagMeter) -> None:
        await self._give_back_the_dead()
        now = time.monotonic()
        is_time = now - self._looked_at >= TELL_EVERY
        if is_time:
            self._looked_at = now
            self._admission.look(self._gauge.read(meter.lag))
        if self._admission.starting:
            return  # nobody counts on a worker that cannot take a call yet
        # A place that is taken is told at once: creates are answered by what our row says.
        if is_time or self._admission.free < self._told_free:
            await self.report(DRAINING if self._admission.draining else RUNNING)

    async def _give_back_the_dead(self) -> None:
        for job, taken in self._admission.vanished():
            self._unreleased[job] = taken.session_id
        for job, session_id in list(self._unreleased.items()):
            try:
                # Of a call that has ended there is nothing left to give back.
                holder = Holder(job, self._name)
                if await self._stores.leases.release(session_id, holder, "its process died"):
                    logger.error("job process died", extra={"session": session_id, "job": job})
            except StoreUnavailable as error:
                logger.warning("session not given back yet: %s", error)
                return
            del self._unreleased[job]

    def _cpu_percent(self) -> int:
        """Of one core, since the last time, this process without its jobs."""
        now, used = time.monotonic(), _cpu_seconds()
        (then, before), self._cpu_at = self._cpu_at, (now, used)
        return round(100 * (used - before) / max(now - then, 0.001))


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system


def _resident_mb() -> int | None:
    try:
        pages = int(STATM.read_text("ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20
