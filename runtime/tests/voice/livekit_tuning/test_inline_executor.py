"""What takes less time than a thread does."""

from __future__ import annotations

import asyncio
import threading

import pytest

from agent_runtime.voice.livekit_tuning.inline_executor import InlineExecutor


async def test_it_runs_in_the_thread_of_the_event_loop() -> None:
    """Awaited like any other executor."""
    loop = asyncio.get_running_loop()
    assert (
        await loop.run_in_executor(InlineExecutor(), threading.get_ident) == threading.get_ident()
    )


async def test_an_error_reaches_who_asked() -> None:
    """As it would from a thread."""
    with pytest.raises(ValueError, match="no number"):
        await asyncio.get_running_loop().run_in_executor(InlineExecutor(), int, "no number")
