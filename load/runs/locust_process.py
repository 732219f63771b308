"""Runs Locust as a process, and makes the report itself when Locust did not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from fixtures.processes.spawn import spawn
from load.exit_codes import UNUSABLE
from load.messages import JOURNAL
from load.report.results import RESULTS
from load.services import Services

ROOT = Path(__file__).parents[2]


def run_locust(
    arguments: list[str], services: Services, folder: Path, stopped: threading.Event
) -> int:
    """Run Locust to its end and return the exit code. Sets `stopped` when a signal ended the run."""
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LOAD_API": services.api,
        "LOAD_API_KEY": services.api_key,
        "LIVEKIT_URL": services.livekit,
        "LIVEKIT_API_KEY": services.livekit_key,
        "LIVEKIT_API_SECRET": services.livekit_secret,
    }
    command = [
        sys.executable, "-m", "locust", *arguments,
        "--load-database", services.database,
        "--load-stand-ins", services.stand_ins,
    ]  # fmt: skip
    # In a new session, so that Ctrl-C reaches Locust once, from here, and not also from the terminal.
    locust = spawn(command, env=environ, start_new_session=True)
    with _signals_forwarded_to(locust, stopped):
        code = locust.wait()
    # With UNUSABLE Locust has printed already why there are no results.
    has_reported = code == UNUSABLE or (folder / RESULTS).exists()
    if not has_reported and (folder / JOURNAL).exists():
        print("load: Locust ended without a report; making it from the journal", file=sys.stderr)
        code = max(code, report(folder, environ["LOAD_API_KEY"]), key=abs)
    if code and not (folder / RESULTS).exists():
        return UNUSABLE  # 1 would mean that a threshold was missed
    return code if code >= 0 else 128 - code


def report(folder: Path, api_key: str = "") -> int:
    """Make results and page from the journal of a killed run; returns the exit code."""
    try:
        journal = (folder / JOURNAL).open()
    except OSError as error:
        print(f"load: {folder / JOURNAL}: {error.strerror}", file=sys.stderr)
        return UNUSABLE
    with journal:
        return subprocess.run(
            [sys.executable, "-m", "load.report", str(folder.resolve())],
            cwd=ROOT,
            stdin=journal,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "LOAD_API_KEY": api_key},
            check=False,
        ).returncode


@contextmanager
def _signals_forwarded_to(
    process: subprocess.Popen[bytes], stopped: threading.Event
) -> Iterator[None]:
    """Forward Ctrl-C and SIGTERM to Locust, which then ends its callers' calls."""

    def forward(_number: int, _frame: FrameType | None) -> None:
        stopped.set()
        process.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
