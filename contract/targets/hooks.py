"""Hooks: actions that reset, restart or disturb a service."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal

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


def command_hook(name: str, command: str, *, timeout: float = 120.0) -> Hook:
    """A hook that runs a shell command, at most `timeout` seconds.

    The hook raises TargetMisbehaved when the command fails or hangs.
    """

    async def run() -> None:
        process = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", command), stderr=asyncio.subprocess.PIPE, start_new_session=True
        )
        try:
            async with asyncio.timeout(timeout):
                _, words = await process.communicate()
        except TimeoutError as error:
            raise TargetMisbehaved(f"{name} `{command}` took over {timeout:g} s") from error
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)  # with all that the shell has started
                await process.wait()
        if process.returncode != 0:
            raise TargetMisbehaved(
                f"{name} {shlex.quote(command)} ended with {process.returncode}: "
                f"{words.decode('utf-8', 'replace')[-500:]}"
            )

    return run
