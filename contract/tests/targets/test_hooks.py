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
    with pytest.raises(TargetMisbehaved, match=r"--restart-old 'sleep 30; true' took over 0.1 s"):
        await command_hook("--restart-old", "sleep 30; true", timeout=0.1)()
    assert time.monotonic() - start < 5


async def test_the_exit_of_a_command_counts_and_not_its_pipe() -> None:
    """A service that the command leaves running, with its output open, keeps nobody waiting."""
    start = time.monotonic()
    await command_hook("--reset-new", "sleep 8 & echo started", timeout=5)()
    assert time.monotonic() - start < 4


async def test_a_command_learns_whom_it_resets(tmp_path: Path) -> None:
    """The URL and the name of the target are in its environment: one script serves two targets."""
    hooks = [
        command_hook(
            "--reset-old", f'echo "$GATE_TARGET $GATE_URL" >> {tmp_path}/x', url=url, side=side
        )
        for side, url in (("old", "http://a"), ("old-again", "http://b"))
    ]
    await asyncio.gather(*(hook() for hook in hooks))
    assert sorted((tmp_path / "x").read_text().splitlines()) == [
        "old http://a",
        "old-again http://b",
    ]


async def test_one_command_never_runs_twice_at_once(tmp_path: Path) -> None:
    """Old and old-again share a command; a script that restarts both must not kill its own work."""
    script = f"mkdir {tmp_path}/busy && sleep 0.1 && rmdir {tmp_path}/busy"
    hooks = [command_hook("--reset-old", script, side=side) for side in ("old", "old-again")]
    await asyncio.gather(*(hook() for hook in hooks))


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
