"""Configurations in files, `<agent id>.json` in one folder: read for each call, checked on each change."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent_runtime.agents.sources.document import DocumentReader, ReadAgent
from agent_runtime.domain.errors import ConfigIssue, InvalidAgentConfig
from agent_runtime.domain.ports.agents import TextIdRegistry

logger = logging.getLogger(__name__)

# Milliseconds in which the changes of an editor's save are taken together.
DEBOUNCE_MS: Final = 200


@dataclass(frozen=True, slots=True)
class FileAgent:
    """An agent in a file."""

    agent: ReadAgent
    path: Path


class ConfigFiles:
    """The files of one folder, named by numbers or by the text ids that `text_ids` has the numbers of."""

    def __init__(
        self, folder: Path, reader: DocumentReader, text_ids: TextIdRegistry | None = None
    ) -> None:
        self._folder = folder
        self._reader = reader
        self._text_ids = text_ids

    async def find(self, agent_id: int) -> FileAgent | None:
        """The agent in its file; None without a file.

        Raises InvalidAgentConfig with all faults of the file, and StoreUnavailable.
        """
        found = await asyncio.to_thread(self._find, str(agent_id))
        if found is None and self._text_ids is not None:
            text_id = (await self._text_ids.all()).get(agent_id)
            if text_id is not None:
                found = await asyncio.to_thread(self._find, text_id)
        return found

    def _find(self, name: str) -> FileAgent | None:
        path = self._folder / f"{name}.json"
        return FileAgent(self.read(path), path) if path.is_file() else None

    def read(self, file: Path) -> ReadAgent:
        """The agent in a file. Raises InvalidAgentConfig with all its faults."""
        try:
            text = file.read_bytes()
        except OSError as error:
            issue = ConfigIssue((file.name,), f"cannot be read: {error.strerror}")
            raise InvalidAgentConfig([issue]) from error
        return self._reader.load(text)

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
