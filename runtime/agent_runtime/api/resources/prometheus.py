"""Metrics for Prometheus: requests of this process, and workers and live sessions from the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from falcon.asgi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from agent_runtime.api.http.allowed_methods import Resource
from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.lease import LiveSession, Phase, WorkerState

WORKER: Final = ("worker",)


@dataclass(frozen=True, slots=True)
class Overview:
    """Workers and live sessions of the deployment at one moment."""

    workers: Sequence[WorkerState]
    sessions: Sequence[LiveSession]


ReadOverview = Callable[[], Awaitable[Overview]]


class PrometheusResource(Resource):
    """Serves /metrics."""

    def __init__(self, requests: CollectorRegistry, read: ReadOverview) -> None:
        self._requests = requests
        self._read = read

    async def on_get(self, _req: Request, resp: Response) -> None:
        """Respond in the text format; without the database, with this process's own metrics only."""
        collected = CollectorRegistry()
        try:
            collected.register(_Deployment(await self._read()))
            up = 1
        except StoreUnavailable:
            up = 0
        collected.register(_DatabaseUp(up))
        resp.content_type = CONTENT_TYPE_LATEST
        resp.data = generate_latest(self._requests) + generate_latest(collected)

    on_head = on_get


class _DatabaseUp(Collector):
    def __init__(self, up: int) -> None:
        self._up = up

    def collect(self) -> Iterator[Metric]:
        text = "1 while the database answers, else 0."
        yield GaugeMetricFamily("agent_runtime_database_up", text, value=self._up)


class _Deployment(Collector):
    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    def collect(self) -> Iterator[Metric]:
        yield self._sessions()
        workers = self._overview.workers
        calls = GaugeMetricFamily(
            "agent_runtime_worker_calls", "Calls that the worker holds.", labels=WORKER
        )
        free = GaugeMetricFamily(
            "agent_runtime_worker_free_places",
            "Further calls that the worker would take.",
            labels=WORKER,
        )
        handled = CounterMetricFamily(
            "agent_runtime_worker_sessions",
            "Calls that the worker has taken since it started.",
            labels=WORKER,
        )
        turns = SummaryMetricFamily(
            "agent_runtime_worker_turn_seconds",
            "Duration of the worker's turns since it started, by stage.",
            labels=("worker", "stage"),
        )
        for worker in workers:
            calls.add_metric([worker.name], worker.active)
            free.add_metric([worker.name], worker.free)
            handled.add_metric([worker.name], worker.handled)
            for stage, (number, total) in worker.turns.items():
                turns.add_metric([worker.name, stage], count_value=number, sum_value=total)
        yield from (calls, free, handled, turns)

    def _sessions(self) -> Metric:
        found = GaugeMetricFamily(
            "agent_runtime_live_sessions", "Sessions that have not ended.", labels=("phase",)
        )
        counted = Counter(session.phase for session in self._overview.sessions)
        for phase in Phase:
            found.add_metric([phase], counted[phase])
        return found
