"""A process that a test started, with all that it started."""

from __future__ import annotations

import subprocess
from typing import Any

import psutil


def tree(process: subprocess.Popen[Any]) -> list[psutil.Process]:
    """It, and all its processes that are left."""
    if process.poll() is not None:
        return []  # its number may be another's by now
    try:
        root = psutil.Process(process.pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill(process: subprocess.Popen[Any]) -> None:
    """All of them at once, as when a machine is switched off."""
    for each in tree(process):
        each.kill()
    process.wait()
