"""Everything that was reported, kept in memory and, as long as the disk takes it, in a file."""

from __future__ import annotations

import logging
from io import RawIOBase
from pathlib import Path

from load import messages
from load.messages import Message, encode
from load.report.results import RESULTS

logger = logging.getLogger(__name__)


class Journal:
    """`path` is written line by line, so that a run that is killed leaves what it had."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.messages: list[Message] = []
        self._file: RawIOBase | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Results of an earlier run in this folder are not this run's.
            path.with_name(RESULTS).unlink(missing_ok=True)
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            self._give_up(error)

    def add(self, message: Message) -> None:
        """Keep one more."""
        self.messages.append(message)
        if self._file is None:
            return
        try:
            self._file.write(encode(message).encode())
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Nothing comes any more."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _give_up(self, error: OSError) -> None:
        self._file = None
        why = f"the journal {self.path} cannot be written ({error.strerror}); it goes on in memory"
        logger.critical("%s", why)
        self.messages.append({"kind": messages.TROUBLE, "why": why})
