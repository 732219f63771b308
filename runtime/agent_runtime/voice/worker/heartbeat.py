"""The worker's heartbeat: it reports the worker's state, and releases the sessions of jobs that died."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections.abc import Mapping
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

# Seconds between two checks of the job processes: a caller whose agent died should not wait for long.
CHECK_INTERVAL: Final = 0.2
# Seconds between two reports of the worker's state, and between two readings of the machine's pressure.
REPORT_INTERVAL: Final = 1.0
STATM: Final = Path("/proc/self/statm")  # sizes of this process in pages, see proc(5)
# Values of a worker's status in the database.
RUNNING: Final = "running"
DRAINING: Final = "draining"
STOPPED: Final = "stopped"


class Heartbeat:
    """Runs beside the agent server, on its event loop, for the worker `name`."""

    def __init__(
        self,
        name: str,
        admission: Admission,
        stores: Stores,
        turns: TurnMetrics,
        serves: Mapping[str, bool] | None = None,
    ) -> None:
        """`serves` are the providers whose package is here, and whether there is a key for them."""
        self._name = name
        self._serves = serves
        self._turns = turns
        self._admission = admission
        self._stores = stores
        self._started_at = datetime.now(UTC)
        self._measured_at = 0.0
        self._reported_free = math.inf  # nothing has been reported yet
        self._gauge = PressureGauge()
        self._cpu_at = time.monotonic(), _cpu_seconds()
        self._unreleased: dict[str, str] = {}
        self._outage = LogThrottle(logger, "worker's state not written")

    async def run(self) -> None:
        """Check and report until cancelled."""
        meter = LagMeter()
        try:
            while True:
                try:
                    await self._check(meter)
                except Exception:
                    logger.exception("heartbeat failed once; the next one follows")
                await asyncio.sleep(CHECK_INTERVAL)
        finally:
            meter.close()

    async def report(self, status: str) -> None:
        """Write this worker's row, and read the others'. An unavailable database is logged."""
        admission = self._admission
        self._reported_free = free = 0 if status == STOPPED else admission.free_calls
        state = WorkerState(
            self._name,
            "",
            status,
            active=len(admission.jobs),
            free=free,
            handled=admission.handled,
            cpu_percent=self._cpu_percent(),
            memory_mb=_resident_mb(),
            turns=dict(self._turns.sums),
            serves=self._serves,
        )
        try:
            await self._stores.workers.report(state, self._started_at)
            others = [one for one in await self._stores.workers.all() if one.name != self._name]
        except StoreUnavailable as error:
            self._outage.failed(error)
            return
        self._outage.recovered()
        admission.claims.others_free = any(one.free for one in others)

    async def _check(self, meter: LagMeter) -> None:
        await self._release_dead_jobs()
        now = time.monotonic()
        is_due = now - self._measured_at >= REPORT_INTERVAL
        if is_due:
            self._measured_at = now
            self._admission.update(self._gauge.read(meter.lag))
        if self._admission.starting:
            return  # the API must not count on a worker that cannot take a call yet
        # Fewer free calls are reported at once: the API answers creates by this worker's row.
        if is_due or self._admission.free_calls < self._reported_free:
            await self.report(DRAINING if self._admission.draining else RUNNING)

    async def _release_dead_jobs(self) -> None:
        for job, accepted in self._admission.remove_vanished():
            self._unreleased[job] = accepted.session_id
        for job, session_id in list(self._unreleased.items()):
            try:
                # A call that ended in an orderly way has released its session itself.
                holder = Holder(job, self._name)
                if await self._stores.leases.release(session_id, holder, "its process died"):
                    logger.error("job process died", extra={"session": session_id, "job": job})
            except StoreUnavailable as error:
                logger.warning("session not released yet: %s", error)
                return
            del self._unreleased[job]

    def _cpu_percent(self) -> int:
        """Return the share of one CPU, in percent, that this process used since the last report."""
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
