"""Hooks: actions that reset, restart or disturb a service."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import tempfile
from collections.abc import Mapping
from typing import IO

from contract.errors import TargetMisbehaved
from contract.targets.target import Hook


def to_its_end(hook: Hook) -> Hook:
    """The hook, which a cancelled caller waits for.

    Replays are cancelled when another target fails. The next replay would meet a service that is still
    restarting, and would start it a second time on the same port.
    """

    async def run() -> None:
        task = asyncio.ensure_future(hook())
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise

    return run


def command_hook(
    name: str, command: str, *, url: str = "", side: str = "", timeout: float = 120.0
) -> Hook:
    """A hook that runs a shell command, at most `timeout` seconds.

    The command's end counts, not that of a service that it leaves in the background. It finds the
    target's URL in GATE_URL and its name in GATE_TARGET. The hook raises TargetMisbehaved when the command
    fails or hangs. One command never runs twice at the same time.
    """
    environ = {**os.environ, "GATE_URL": url, "GATE_TARGET": side}

    async def run() -> None:
        # A file, not a pipe: a service that the command leaves running would keep a pipe open.
        with tempfile.TemporaryFile() as words:
            async with _lock_of(command):
                code = await _ended(command, environ, words, timeout)
            words.seek(0)
            said = words.read()[-500:].decode("utf-8", "replace").strip()
        what = f"{name} {shlex.quote(command)}"
        if code is None:
            raise TargetMisbehaved(f"{what} took over {timeout:g} s, and was ended. {said}")
        if code != 0:
            raise TargetMisbehaved(f"{what} ended with {code}: {said}")

    return run


async def _ended(
    command: str, environ: Mapping[str, str], words: IO[bytes], timeout: float
) -> int | None:
    """The exit code of a command; None when it hung and was ended with all that it had started."""
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=words,
        stderr=words,
        env=environ,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout):
            return await process.wait()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # with all that the shell has started
            await process.wait()


def _lock_of(command: str) -> asyncio.Lock:
    """One lock a command and event loop."""
    key = (id(asyncio.get_running_loop()), command)
    return _LOCKS.setdefault(key, asyncio.Lock())


_LOCKS: dict[tuple[int, str], asyncio.Lock] = {}
