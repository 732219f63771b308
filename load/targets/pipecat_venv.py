"""Installs Pipecat's own virtual environment, since its dependencies conflict with ours."""

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
    """The interpreter of Pipecat's environment, which is installed once. Raises ServiceUnavailable."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "agent-runtime"
    return find_or_install(LOCK, cache)


def find_or_install(lock: Path, cache: Path) -> Path:
    """The interpreter of an environment with exactly the packages of `lock`.

    Raises ServiceUnavailable.
    """
    tag = f"{sys.implementation.cache_tag}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    folder = cache / f"pipecat-{tag}"
    if not folder.exists():
        print("load: installing Pipecat, once (about a minute) ...", file=sys.stderr)
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=cache) as building:
            venv = Path(building) / "venv"
            _run([sys.executable, "-m", "venv", str(venv)])
            _run([str(_python(venv)), "-m", "pip", "install", "--quiet", "--require-hashes",
                  "-r", str(lock)])  # fmt: skip
            try:
                venv.rename(folder)  # atomic; its scripts break, but are not used
            except OSError:
                if not folder.exists():  # else another run installed it first
                    raise
    return _python(folder)


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n  ".join((done.stderr or done.stdout).splitlines()[-15:])
        raise ServiceUnavailable(f"cannot install Pipecat: {' '.join(command)} failed:\n  {tail}")
