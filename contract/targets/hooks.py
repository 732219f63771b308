"""Shell commands that reset or restart a service."""

from __future__ import annotations

import asyncio
import shlex

from contract.errors import TargetMisbehaved
from contract.targets.target import Hook


def command_hook(name: str, command: str, *, timeout: float = 120.0) -> Hook:
    """A hook that runs a shell command, at most `timeout` seconds.

    The hook raises TargetMisbehaved when the command fails or hangs.
    """

    async def run() -> None:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", command, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(timeout):
                _, words = await process.communicate()
        except TimeoutError as error:
            process.kill()
            raise TargetMisbehaved(f"{name} `{command}` took over {timeout:g} s") from error
        if process.returncode != 0:
            raise TargetMisbehaved(
                f"{name} {shlex.quote(command)} ended with {process.returncode}: "
                f"{words.decode('utf-8', 'replace')[-500:]}"
            )

    return run
