"""Runs the recorder of dispatches as a process, and reads its counts."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from fixtures.processes.environ import inherited_environ
from fixtures.processes.logged_process import LoggedProcess

ROOT: Final = Path(__file__).parents[2]
# Settings for an API on the recorder, in seconds. They are so long that the API does not look for workers
# during a measurement: no worker ever serves the sessions that are created.
WITHOUT_WORKERS: Final[Mapping[str, str]] = {
    "SESSION_LEASE": "600",
    "SESSION_WATCH_INTERVAL": "10",
    "SESSION_DISPATCH_PATIENCE": "60",
    "SESSION_AGENT_DEADLINE": "3600",
}


class LiveKitRecorder:
    """Stands in for LiveKit's API while the context lasts."""

    def __init__(self, log_folder: Path) -> None:
        self._process = LoggedProcess(
            "recorder",
            [sys.executable, "-m", "load.livekit_recorder.server"],
            {**inherited_environ(), "PYTHONPATH": str(ROOT)},
            log_folder / "recorder.log",
        )
        self._url = ""

    def __enter__(self) -> Self:
        """Wait until the process listens."""
        try:
            self._url = json.loads(self._process.wait_for(r'^\{"url".*\}$')[0])["url"]
        except BaseException:
            self._process.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the process."""
        self._process.stop()

    @property
    def environ(self) -> dict[str, str]:
        """Settings that point a service at the recorder."""
        return {
            "LIVEKIT_URL": self._url,
            "LIVEKIT_API_KEY": "load",
            "LIVEKIT_API_SECRET": "a secret of at least 32 characters",
        }

    def take_launched(self) -> int:
        """Number of dispatches launched since the last call."""
        connection = http.client.HTTPConnection(urlsplit(self._url).netloc, timeout=10)
        try:
            connection.request("POST", "/taken")
            return int(json.loads(connection.getresponse().read())["launched"])
        finally:
            connection.close()
