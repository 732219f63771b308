"""Finds and kills a process that a test started, with its children."""

from __future__ import annotations

import subprocess
from typing import Any

import psutil


def tree(process: subprocess.Popen[Any]) -> list[psutil.Process]:
    """The process and its living descendants."""
    if process.poll() is not None:
        return []  # another process may have its id by now
    try:
        root = psutil.Process(process.pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill(process: subprocess.Popen[Any]) -> None:
    """Kill the process and its descendants at once, as when a machine is switched off."""
    for each in tree(process):
        each.kill()
    process.wait()
