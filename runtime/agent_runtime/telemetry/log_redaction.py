"""What a log line may hold: no secret, no words of callers, no telephone number, no control character.

Loggers of libraries write lines as well, so this is done where lines are formatted, for all of them.
LiveKit marks what callers said and who they are with names such as `lk.pii.user_transcript`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any, Final

from agent_runtime.secrecy.known import without_known
from agent_runtime.secrecy.names import HIDDEN, is_secret, without_secrets
from agent_runtime.secrecy.shown import without_bodies, without_numbers
from agent_runtime.secrecy.urls import hide_in_text

# Attributes of every LogRecord; all others were passed as `extra=` and belong in the line.
_RECORD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
# The part of a dotted name that marks personal data (LiveKit's `telemetry/pii.py`).
_PII: Final = "pii"
# A number that is all of a field: an identity, or an attribute such as sip.phoneNumber.
_BARE_NUMBER: Final = re.compile(r"[0-9]{7,15}")
# What PostgreSQL and pydantic quote of the values that they refuse.
_QUOTED_VALUES: Final = re.compile(
    r"(Failing row contains |Key )\(.*|(DETAIL: +|CONTEXT: +)[^\n]*"
    r"|(input_value=)[^\n]*?(?=, input_type=|\n|$)"
)


class Redaction:
    """The rules of one process. `pii` keeps the words and numbers of callers."""

    def __init__(self, *, pii: bool = False) -> None:
        self._pii = pii

    def text(self, text: str) -> str:
        """A message or a traceback as a line may hold it."""
        text = without_known(hide_in_text(text))
        if "=" in text or "(" in text or "DETAIL" in text:
            text = _QUOTED_VALUES.sub(_without_values, text)
        if self._pii:
            return text
        return without_numbers(without_bodies(text))

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """The extra fields of the record, without personal data unless it is wanted."""
        return {
            name: self.field(name, value)
            for name, value in vars(record).items()
            if name not in _RECORD_FIELDS
            and name[0] != "_"
            and (self._pii or _PII not in name or _PII not in name.split("."))
        }

    def field(self, name: str, value: object) -> object:
        """One field; a library may pass any object."""
        if value is None or isinstance(value, int | float):
            return value
        if is_secret(name):
            return HIDDEN
        if isinstance(value, Mapping | list | tuple):
            value = without_secrets(value)
        text = value if isinstance(value, str) else _text_of(value)
        if text is None:
            return value
        if not self._pii and text.isdigit() and _BARE_NUMBER.fullmatch(text):
            return without_numbers(f"_{text}")[1:]
        shown = self.text(text)
        return value if shown == text else shown


class HideKnown(logging.Filter):
    """Hides known secrets in the records of a job, which the worker formats without knowing them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record where it holds one; it is always logged."""
        message = record.getMessage()
        if (shown := without_known(message)) != message:
            record.msg, record.args = shown, None
        if record.exc_info and not record.exc_text:
            record.exc_text = without_known(logging.Formatter().formatException(record.exc_info))
        for name, value in vars(record).items():
            if name not in _RECORD_FIELDS and (text := _text_of(value)) is not None:
                shown = without_known(text)
                if shown != text:
                    vars(record)[name] = shown
        return True


def hide_in_job_logs() -> None:
    """Hide known secrets in what this job's process logs from now on."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(one, HideKnown) for one in handler.filters):
            handler.addFilter(HideKnown())


def _text_of(value: object) -> str | None:
    """The text in which an object would appear; None when it has none."""
    try:
        return str(value)
    except (
        Exception
    ):  # of any class that is logged; the formatter meets it again, and logging reports it
        return None


def _without_values(found: re.Match[str]) -> str:
    return f"{found[1] or found[2] or found[3]}{HIDDEN}"
