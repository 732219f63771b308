"""The recorder of dispatches as a process, and what it was asked."""

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
# Settings of an API beside the recorder: seconds so long that it does not look for workers during a
# measurement, because none ever comes for the sessions that are created.
WITHOUT_WORKERS: Final[Mapping[str, str]] = {
    "SESSION_LEASE": "600",
    "SESSION_WATCH_INTERVAL": "10",
    "SESSION_DISPATCH_PATIENCE": "60",
    "SESSION_AGENT_DEADLINE": "3600",
}


class LiveKitRecorder:
    """Answers for LiveKit while the context lasts."""

    def __init__(self, log_folder: Path) -> None:
        self._process = LoggedProcess(
            "recorder",
            [sys.executable, "-m", "load.livekit_recorder.server"],
            {**inherited_environ(), "PYTHONPATH": str(ROOT)},
            log_folder / "recorder.log",
        )
        self._url = ""

    def __enter__(self) -> Self:
        """Wait until it listens."""
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
        """Stop it."""
        self._process.stop()

    @property
    def environ(self) -> dict[str, str]:
        """What a service needs to find it."""
        return {
            "LIVEKIT_URL": self._url,
            "LIVEKIT_API_KEY": "load",
            "LIVEKIT_API_SECRET": "a secret of at least 32 characters",
        }

    def taken(self) -> int:
        """Dispatches launched since the last time."""
        connection = http.client.HTTPConnection(urlsplit(self._url).netloc, timeout=10)
        try:
            connection.request("POST", "/taken")
            return int(json.loads(connection.getresponse().read())["launched"])
        finally:
            connection.close()
