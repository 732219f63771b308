"""Structured logs: one line a record, JSON in production, text at a terminal.

Every line of a job names its room, session and agent: they are kept in a context variable, which tasks
inherit.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import IO, Any, Final, Literal

import orjson

from agent_runtime.secrecy.shown import escaped, escaped_json
from agent_runtime.telemetry.log_redaction import Redaction

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


def add_log_context(**fields: object) -> None:
    """Add `fields` to every later line of this task and of the tasks that it starts."""
    _context.set(MappingProxyType({**_context.get(), **fields}))


def configure_logging(
    level: str,
    form: Literal["auto", "json", "text"],
    stream: IO[str] | None = None,
    redaction: Redaction | None = None,
) -> None:
    """Log to `stream`, by default standard error; `auto` is text at a terminal, else JSON.

    `redaction` decides what a line may hold; the default keeps out what callers say and their numbers.
    It may be called again, for instance in a forked process; the last call wins.
    """
    # Our lines hold neither caller nor thread, so `logging` need not look them up for each record
    # (Python's logging HOWTO, "Optimization").
    logging._srcfile = None  # noqa: SLF001
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    stream = stream or sys.stderr
    as_text = form == "text" or (form == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    redaction = redaction or Redaction()
    handler.setFormatter(TextFormatter(redaction) if as_text else JsonFormatter(redaction))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    for name in ("livekit", "livekit.agents"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(level)


def _timestamp(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Formatter(logging.Formatter):
    """What both formats have in common."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def message(self, record: logging.LogRecord) -> str:
        """The message as a line may hold it."""
        return self._redaction.text(record.getMessage())

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """The fields of the context, then those of the record."""
        context = {name: self._redaction.field(name, one) for name, one in _context.get().items()}
        return {**context, **self._redaction.fields(record)}

    def traceback(self, record: logging.LogRecord) -> str | None:
        """The traceback as a line may hold it, or None."""
        if not record.exc_info:
            return None
        return self._redaction.text(self.formatException(record.exc_info))


class JsonFormatter(_Formatter):
    """Formats {"timestamp", "level", "logger", "message", then the context and the `extra` fields}."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON object without a line break in it."""
        line: dict[str, Any] = {
            "timestamp": _timestamp(record),
            "level": record.levelname,
            "logger": record.name,
            "message": self.message(record),
            **self.fields(record),
        }
        if traceback := self.traceback(record):
            line["exception"] = traceback
        return escaped_json(_dumped(line))


def _dumped(line: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a text with half of a surrogate pair, which UTF-8 does not have
        return json.dumps(line, default=str)


class TextFormatter(_Formatter):
    """Formats `timestamp | level | logger | message | key=value ...`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, with the traceback below it if there is one."""
        message, traceback = self.message(record), self.traceback(record)
        if record.exc_text and not traceback:
            # A job's record: LiveKit has put the traceback behind the message.
            message, _, traceback = message.partition("\n")
        parts = [_timestamp(record), record.levelname, record.name, escaped(message)]
        parts += [" ".join(f"{k}={escaped(str(v))}" for k, v in self.fields(record).items())]
        line = " | ".join(filter(None, parts))
        if not traceback:
            return line
        # Indented: no line of an error's text can be taken for a line of the log.
        below = (f"    {escaped(one)}" for one in traceback.splitlines())
        return "\n".join((line, *below))
