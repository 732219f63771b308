"""Functions run in the event loop's own thread."""

from __future__ import annotations

import asyncio
import threading

import pytest

from agent_runtime.voice.livekit_tuning.inline_executor import InlineExecutor


async def test_a_function_runs_in_the_thread_of_the_event_loop() -> None:
    """`run_in_executor` can be awaited as with any executor, and returns the function's result."""
    loop = asyncio.get_running_loop()
    assert (
        await loop.run_in_executor(InlineExecutor(), threading.get_ident) == threading.get_ident()
    )


async def test_an_error_reaches_the_caller() -> None:
    """An error of the function is raised as from a thread."""
    with pytest.raises(ValueError, match="no number"):
        await asyncio.get_running_loop().run_in_executor(InlineExecutor(), int, "no number")
