"""Logs one JSON line and records one observation for each request."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

import orjson
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("access")

DURATIONS = Histogram(
    "request_duration_seconds",
    "Time from a request to its response.",
    ("method", "path", "status"),
)


class JsonFormatter(logging.Formatter):
    """Formats a log record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's time, level, logger, message and request fields as JSON."""
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "request", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def configure_logging() -> None:
    """Log JSON to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class Observed:
    """Pure ASGI middleware, which Starlette's manual recommends over BaseHTTPMiddleware for speed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Log and observe the request after its response is sent."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - began
            template = getattr(scope.get("route"), "path", "unknown")
            DURATIONS.labels(scope["method"], template, str(status)).observe(seconds)
            request = {
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "ms": round(seconds * 1000, 3),
                "client": scope["client"][0] if scope.get("client") else None,
            }
            logger.info("request", extra={"request": request})
