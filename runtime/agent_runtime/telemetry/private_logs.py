"""What the log of one call may hold of its conversation, by the tier of its agent.

Libraries log answers of providers, which may quote what a caller said. A filter on the handlers of the
call's process sees every line before it leaves the process.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from agent_runtime.domain.callers.privacy import PrivacyTier
from agent_runtime.text.redaction import SHORTEST_IN_MESSAGES, Redactor, is_personal

OURS: Final = "agent_runtime"
WITHHELD: Final = "(withheld: privacy none)"
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
# Fields that say which call it is. A room may be named after the caller's number.
_PLACES: Final = frozenset({"session", "agent", "pid", "job_id", "worker_id"})
# Fields of a line that name a participant.
_IDENTITIES: Final = frozenset({"participant", "identity", "sender"})


class CallLog:
    """The filter of one call; `names` are those that the caller was announced with."""

    def __init__(self, tier: PrivacyTier, names: Iterable[str] = ()) -> None:
        self._tier = tier
        self._redactor = Redactor(names, shortest=SHORTEST_IN_MESSAGES)

    def start(self) -> None:
        """Filter what the handlers of this process write until it ends with its call."""
        for handler in logging.getLogger().handlers:
            handler.addFilter(self._filter)

    def reason(self, text: str) -> str:
        """A reason for the session's row; the tier `none` keeps what stands before the first colon.

        Behind it stand the words of an error, which may be those of a provider.
        """
        if self._tier is PrivacyTier.FULL:
            return text
        if self._tier is PrivacyTier.NONE:
            return text.partition(": ")[0]
        return self._redactor.text(text)

    def _filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if self._tier is PrivacyTier.NONE:
            ours = record.name.partition(".")[0] == OURS
            record.msg = message.partition(": ")[0] if ours else WITHHELD
        else:
            record.msg = self._redactor.text(message)
        record.args = None
        self._cut_exception(record)
        for name, value in list(vars(record).items()):
            if name in _STANDARD or name in _PLACES or name[0] == "_":
                continue
            if value is None or isinstance(value, bool | int | float):
                continue
            setattr(record, name, self._field(name, str(value), record))
        return True

    def _field(self, name: str, value: str, record: logging.LogRecord) -> str:
        if name == "exception":
            return value
        if self._tier is PrivacyTier.REDACTED:
            return self._redactor.text(value)
        is_ours = record.name.partition(".")[0] == OURS
        if name == "room":
            return self._redactor.text(value) if is_personal(value) else value
        return value if is_ours and name not in _IDENTITIES else WITHHELD

    def _cut_exception(self, record: logging.LogRecord) -> None:
        if not record.exc_info:
            return
        kind = record.exc_info[0]
        text = kind.__name__ if kind is not None else ""
        if self._tier is PrivacyTier.REDACTED:
            text = self._redactor.text(logging.Formatter().formatException(record.exc_info))
        record.exc_info = record.exc_text = None
        record.exception = text  # a field like any other
