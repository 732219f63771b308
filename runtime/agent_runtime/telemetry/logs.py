"""Structured logs: one line a record, JSON in production, text at a terminal.

Every line of a job names its room, session and agent: they are kept in a context variable, which tasks
inherit.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import IO, Any, Final, Literal

import orjson

# Loggers that write a line per request or frame at INFO, or repeat our own lines; they start at WARNING.
NOISY_LOGGERS: Final = (
    "aiohttp.access",
    "asyncio",
    "hpack",
    "httpcore",
    "httpx",
    "httpx2",
    "openai",
    "urllib3",
    "uvicorn.access",
    "watchfiles",
    "websockets",
)

_context: ContextVar[Mapping[str, object]] = ContextVar("log_context", default=MappingProxyType({}))

# Attributes of every LogRecord; all others were passed as `extra=` and belong in the line.
_RECORD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def add_log_context(**fields: object) -> None:
    """Add `fields` to every later line of this task and of the tasks that it starts."""
    _context.set(MappingProxyType({**_context.get(), **fields}))


def configure_logging(
    level: str, form: Literal["auto", "json", "text"], stream: IO[str] | None = None
) -> None:
    """Log to `stream`, by default standard error; `auto` is text at a terminal, else JSON.

    It may be called again, for instance in a forked process; the last call wins.
    """
    # Our lines hold neither caller nor thread, so `logging` need not look them up for each record
    # (Python's logging HOWTO, "Optimization").
    logging._srcfile = None  # noqa: SLF001
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    stream = stream or sys.stderr
    as_text = form == "text" or (form == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter() if as_text else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    for name in ("livekit", "livekit.agents"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(level)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    extra = {k: v for k, v in vars(record).items() if k not in _RECORD_FIELDS and k[0] != "_"}
    return {**_context.get(), **extra}


def _timestamp(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JsonFormatter(logging.Formatter):
    """Formats {"timestamp", "level", "logger", "message", then the context and the `extra` fields}."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON object without a line break in it."""
        line: dict[str, Any] = {
            "timestamp": _timestamp(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class TextFormatter(logging.Formatter):
    """Formats `timestamp | level | logger | message | key=value ...`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, with the traceback below it if there is one."""
        parts = [_timestamp(record), record.levelname, record.name, record.getMessage()]
        parts += [" ".join(f"{key}={value}" for key, value in _fields(record).items())]
        line = " | ".join(filter(None, parts))
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line
