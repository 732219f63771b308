"""Configurations in files, `<agent id>.json` in one folder: read for each call, checked on each change."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Final

from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.sources.document import DocumentReader
from agent_runtime.domain.errors import ConfigIssue, InvalidAgentConfig

logger = logging.getLogger(__name__)

# Bytes of one file, ten times what a registration may have.
MAX_BYTES: Final = 1024 * 1024
# Milliseconds in which the changes of an editor's save are taken together.
DEBOUNCE_MS: Final = 200


class ConfigFiles:
    """The files of one folder."""

    def __init__(self, folder: Path, reader: DocumentReader) -> None:
        self._folder = folder
        self._reader = reader

    def path(self, name: str) -> Path:
        """The file of an agent by its id, or by its name in the files."""
        return self._folder / f"{name}.json"

    async def find(self, name: str) -> AgentConfig | None:
        """The configuration in the agent's file; None without a file.

        Raises InvalidAgentConfig with all faults of the file.
        """
        return await asyncio.to_thread(self._find, name)

    def _find(self, name: str) -> AgentConfig | None:
        return self.read(self.path(name)) if self.path(name).is_file() else None

    def read(self, file: Path) -> AgentConfig:
        """The configuration in a file. Raises InvalidAgentConfig with all its faults."""
        try:
            if file.stat().st_size > MAX_BYTES:
                raise _fault(file, f"has more than {MAX_BYTES} bytes")
            document = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            if isinstance(error, InvalidAgentConfig):
                raise
            raise _fault(file, f"cannot be read: {error}") from error
        if not isinstance(document, dict):
            raise _fault(file, "is no JSON object")
        return self._reader.read(document)

    def check(self) -> dict[Path, InvalidAgentConfig]:
        """The faults of every file in the folder; empty when all can be used."""
        found = {}
        for file in sorted(self._folder.glob("*.json")):
            try:
                self.read(file)
            except InvalidAgentConfig as error:
                found[file] = error
        return found

    async def watch(self) -> None:
        """Check all files now, and each one when it changes; log what is at fault. Runs until cancelled.

        A call reads its file itself, so that a change counts from the next call on.
        """
        from watchfiles import Change, awatch

        for file, error in (await asyncio.to_thread(self.check)).items():
            logger.error("%s: %s", file.name, error)
        async for changes in awatch(self._folder, debounce=DEBOUNCE_MS, recursive=False):
            for change, name in sorted(changes, key=lambda one: one[1]):
                if not name.endswith(".json"):
                    continue
                if change is Change.deleted:
                    logger.info("%s: deleted; no agent is in it any more", Path(name).name)
                else:
                    await self._log(Path(name))

    async def _log(self, file: Path) -> None:
        try:
            await asyncio.to_thread(self.read, file)
        except InvalidAgentConfig as error:
            logger.error("%s: %s", file.name, error)  # noqa: TRY400 - the message says it all
        else:
            logger.info("%s: changed; calls that begin from now on use it", file.name)


def _fault(file: Path, why: str) -> InvalidAgentConfig:
    return InvalidAgentConfig([ConfigIssue((file.name,), why)])
