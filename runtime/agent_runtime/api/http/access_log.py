"""One log line and one histogram observation for each request."""

from __future__ import annotations

import logging
import time
from typing import Final

from falcon.asgi import Request, Response
from prometheus_client import CollectorRegistry, Histogram

logger = logging.getLogger(__name__)

# Upper bounds of the histogram's buckets, in seconds.
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
UNKNOWN_PATH: Final = "unknown"


class RequestDurations:
    """Histogram of request durations in seconds, by method, path template and status."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._histogram = Histogram(
            "http_request_duration_seconds",
            "Seconds from the complete request to its response.",
            ("method", "path", "status"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._by_labels: dict[tuple[str, str, int], Histogram] = {}

    def observe(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count one request. `path` is the template, so that ids do not create time series."""
        labels = (method, path, status)
        histogram = self._by_labels.get(labels)
        if (
            histogram is None
        ):  # labels() builds strings and takes a lock, so each series is looked up once
            histogram = self._by_labels[labels] = self._histogram.labels(method, path, str(status))
        histogram.observe(seconds)


class AccessLog:
    """The outermost middleware: measures and logs every request."""

    def __init__(self, durations: RequestDurations) -> None:
        self._durations = durations

    async def process_request(self, req: Request, _resp: Response) -> None:
        """Store the time at which the request began."""
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
                    # As it was sent: a decoded path may contain line breaks.
                    "path": req.scope["raw_path"].decode("ascii"),
                    "status": status,
                    "ms": round(seconds * 1000, 3),
                    "client": req.remote_addr,
                },
            )
