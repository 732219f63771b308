"""Keeps every report of a run in memory and, unless the disk is full, in a file."""

from __future__ import annotations

import logging
from io import RawIOBase
from pathlib import Path

from load import messages
from load.messages import Message, encode
from load.report.results import RESULTS

logger = logging.getLogger(__name__)


class Journal:
    """The messages of a run. Writes `path` line by line, so that a killed run leaves its messages."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.messages: list[Message] = []
        self._file: RawIOBase | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # An earlier run in this folder may have left results.
            path.with_name(RESULTS).unlink(missing_ok=True)
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            self._keep_in_memory(error)

    def add(self, message: Message) -> None:
        """Keep a message."""
        self.messages.append(message)
        if self._file is None:
            return
        try:
            self._file.write(encode(message).encode())
        except OSError as error:
            self._keep_in_memory(error)

    def close(self) -> None:
        """Close the file; the run is over."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _keep_in_memory(self, error: OSError) -> None:
        self._file = None
        why = f"the journal {self.path} cannot be written ({error.strerror}); it is kept in memory"
        logger.critical("%s", why)
        self.messages.append({"kind": messages.TROUBLE, "why": why})
