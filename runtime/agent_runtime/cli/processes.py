"""The commands `serve`, `api` and `worker`, which run until they are stopped.

Each imports what it needs when it runs: the worker's modules alone take seconds to load.
"""

from __future__ import annotations

import argparse
from typing import Final

from agent_runtime.settings import Settings

DOWNLOAD_FILES: Final = "download-files"
WORKER_MODES: Final = ("start", "dev", "console", "connect", DOWNLOAD_FILES)


def serve(_settings: Settings, _arguments: argparse.Namespace) -> int:
    """Run API and worker as two child processes."""
    from agent_runtime.cli.serve import serve

    return serve()


def api(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Run the HTTP API."""
    from agent_runtime.wiring.api import run_api

    return run_api(settings)


def worker(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run the LiveKit worker in one of its modes."""
    from agent_runtime.wiring.worker import run_worker

    return run_worker(settings, arguments.mode, arguments.rest)


def keys_exist(settings: Settings) -> bool:
    """Whether the database has API keys. Raises StoreUnavailable."""
    from agent_runtime.wiring.access import keys_exist

    return keys_exist(settings)
