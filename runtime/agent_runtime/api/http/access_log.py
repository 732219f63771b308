"""One log line and one observation for each request."""

from __future__ import annotations

import logging
import time
from typing import Final

from falcon.asgi import Request, Response
from prometheus_client import CollectorRegistry, Histogram

logger = logging.getLogger(__name__)

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds
UNKNOWN_PATH: Final = "unknown"


class RequestDurations:
    """Histogram of seconds by method, path of the contract and status."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._histogram = Histogram(
            "http_request_duration_seconds",
            "Time from the whole request to its answer.",
            ("method", "path", "status"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._by_labels: dict[tuple[str, str, int], Histogram] = {}

    def observe(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count one request. `path` is the template, so that ids make no series of their own."""
        labels = (method, path, status)
        histogram = self._by_labels.get(labels)
        if histogram is None:  # labels() builds texts and takes a lock: once for each series
            histogram = self._by_labels[labels] = self._histogram.labels(method, path, str(status))
        histogram.observe(seconds)


class AccessLog:
    """Middleware around all the others."""

    def __init__(self, durations: RequestDurations) -> None:
        self._durations = durations

    async def process_request(self, req: Request, _resp: Response) -> None:
        """Note when the request began."""
        req.context.began = time.perf_counter()

    async def process_response(
        self, req: Request, resp: Response, _resource: object, _succeeded: bool
    ) -> None:
        """Log and count the request."""
        seconds = time.perf_counter() - req.context.began
        status = resp.status_code
        self._durations.observe(req.method, req.uri_template or UNKNOWN_PATH, status, seconds)
        if logger.isEnabledFor(logging.INFO):
            logger.info(
                "request",
                extra={
                    "method": req.method,
                    # As it was sent: a decoded path may hold line breaks.
                    "path": req.scope["raw_path"].decode("ascii"),
                    "status": status,
                    "ms": round(seconds * 1000, 3),
                    "client": req.remote_addr,
                },
            )
