"""Hooks: shell commands, and actions that a cancelled caller waits for."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from contract.errors import TargetMisbehaved
from contract.targets.hooks import command_hook, to_its_end


async def test_a_command_runs_in_a_shell(tmp_path: Path) -> None:
    """A hook runs its command with the shell's own syntax."""
    await command_hook("--reset-new", f"echo a > {tmp_path}/x && echo b >> {tmp_path}/x")()
    assert (tmp_path / "x").read_text() == "a\nb\n"


async def test_a_failing_command_is_named() -> None:
    """The message has the option, the exit code and the last words of the command."""
    with pytest.raises(TargetMisbehaved, match=r"--reset-new .* ended with 3: no database"):
        await command_hook("--reset-new", "echo no database >&2; exit 3")()


async def test_a_hanging_command_is_killed() -> None:
    """A command that takes longer than its limit ends with a message, and at once."""
    start = time.monotonic()
    with pytest.raises(TargetMisbehaved, match=r"--restart-old `sleep 30; true` took over 0.1 s"):
        await command_hook("--restart-old", "sleep 30; true", timeout=0.1)()
    assert time.monotonic() - start < 5


async def test_a_cancelled_caller_waits_for_the_hook() -> None:
    """A hook that has begun ends before its cancelled caller does: no second one runs beside it."""
    events = []

    async def restart() -> None:
        events.append("begin")
        await asyncio.sleep(0.05)
        events.append("end")

    task = asyncio.ensure_future(to_its_end(restart)())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == ["begin", "end"]
