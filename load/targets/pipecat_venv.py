"""Pipecat's own environment: its dependencies' versions are not ours."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from load.services import ServiceUnavailable

LOCK: Final = Path(__file__).parents[2] / "deploy" / "locks" / "pipecat.txt"


def pipecat_python() -> Path:
    """Its interpreter: in our cache, or installed there once. Raises ServiceUnavailable."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "agent-runtime"
    return find_or_install(LOCK, cache)


def find_or_install(lock: Path, cache: Path) -> Path:
    """The interpreter of an environment with the packages of `lock` and no others.

    Raises ServiceUnavailable.
    """
    tag = f"{sys.implementation.cache_tag}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    folder = cache / f"pipecat-{tag}"
    if not folder.exists():
        print("load: installing Pipecat, once (about a minute) ...", file=sys.stderr)
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=cache) as building:
            made = Path(building) / "venv"
            _run([sys.executable, "-m", "venv", str(made)])
            _run([str(_python(made)), "-m", "pip", "install", "--quiet", "--require-hashes",
                  "-r", str(lock)])  # fmt: skip
            try:
                made.rename(folder)  # whole or not at all; we start nothing by its scripts
            except OSError:
                if not folder.exists():  # otherwise another run was faster
                    raise
    return _python(folder)


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n  ".join((done.stderr or done.stdout).splitlines()[-15:])
        raise ServiceUnavailable(
            f"no environment for Pipecat: {' '.join(command)} failed:\n  {tail}"
        )
