"""Numbers for agents that are known by the name of their file only."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agent_runtime.domain.ports.agents import TextIdRegistry


class FileTextIds:
    """Implements the port TextIdRegistry: a text that names a file gets a number at its first use."""

    def __init__(self, text_ids: TextIdRegistry, folder: Path) -> None:
        self._text_ids = text_ids
        self._folder = folder

    async def number(self, text_id: str) -> int | None:
        """The number of this text; None when it has none, and names no file."""
        number = await self._text_ids.number(text_id)
        if number is not None:
            return number
        file = self._folder / f"{text_id}.json"
        is_agent = await asyncio.to_thread(file.is_file)
        return await self._text_ids.assign(text_id) if is_agent else None

    async def assign(self, text_id: str, number: int | None = None) -> int:
        """The number of this text, which gets one now if it has none."""
        return await self._text_ids.assign(text_id, number)

    async def all(self) -> dict[int, str]:
        """Every text by its number."""
        return await self._text_ids.all()
