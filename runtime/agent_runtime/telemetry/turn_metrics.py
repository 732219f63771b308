"""Metrics of each turn as it ends, sent from the job's process to the worker's, for Prometheus.

Every call runs in a process that ends with it, but scraped metrics must outlive the call. So a job sends
each turn to its worker as a datagram on a local socket, and the worker counts. Sending never delays the
caller: a turn that cannot be sent is missing here, and is stored in `session_metrics` all the same.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from agent_runtime.domain.errors import CannotStart
from agent_runtime.domain.metrics import Turn

logger = logging.getLogger(__name__)

# Bounds of the histograms, in seconds: fine between 0.1 and 2, where callers notice a difference.
BUCKETS: Final = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0)
# Longest path, in bytes, of the folder for temporary files. A socket path has 107 bytes at most (unix(7)),
# and Python's multiprocessing adds `/pymp-xxxxxxxx/listener-xxxxxxxx`, which is longer than what we add.
MAX_FOLDER_BYTES: Final = 75
# Field of `Turn`, and the name and help text of its histogram.
FAMILIES: Final[Mapping[str, tuple[str, str]]] = {
    "stt": ("stt_final", "From the end of the caller's speech to the final transcript."),
    "end_of_turn": ("end_of_turn", "From the end of the caller's speech to the end of the turn."),
    "llm": ("llm_first_token", "From the request to the language model to its first token."),
    "tts": ("tts_first_byte", "From the first text at speech synthesis to its first sound."),
    "response": ("response", "From the end of the caller's speech to the agent's first sound."),
}


class TurnReporter:
    """Reports turns from a job's process. `path` is the worker's socket; without one, nothing is sent."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def report(self, turn: Turn) -> None:
        """Send the turn without waiting."""
        if not self._path:
            return
        try:
            self._socket.sendto(json.dumps(asdict(turn)).encode(), self._path)
        except OSError as error:
            logger.debug("turn not reported to the worker: %s", error)

    def close(self) -> None:
        """Close the socket at the end of the call."""
        self._socket.close()


class TurnMetrics:
    """Counts turns in the worker's process: histograms of seconds in `registry`, and their sums."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._histograms = {
            name: Histogram(
                f"agent_runtime_{family}_seconds", text, buckets=BUCKETS, registry=registry
            )
            for name, (family, text) in FAMILIES.items()
        }
        self._turns = Counter(
            "agent_runtime_turns", "Turns that ended, by who spoke.", ("by",), registry=registry
        )
        self._interruptions = Counter(
            "agent_runtime_interruptions", "Turns in which the caller cut in.", registry=registry
        )
        # By field of `Turn`: the number of turns that have it, and the sum in seconds.
        self.sums: dict[str, tuple[int, float]] = {}

    def count(self, turn: Turn) -> None:
        """Count one turn."""
        self._turns.labels("agent" if turn.by_agent else "caller").inc()
        if turn.interrupted:
            self._interruptions.inc()
        for name, histogram in self._histograms.items():
            milliseconds = getattr(turn, name)
            if milliseconds is not None:
                histogram.observe(milliseconds / 1000)
                number, total = self.sums.get(name, (0, 0.0))
                self.sums[name] = (number + 1, total + milliseconds / 1000)


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, metrics: TurnMetrics) -> None:
        self._metrics = metrics

    def datagram_received(self, data: bytes, _address: Any) -> None:
        try:
            self._metrics.count(Turn(**json.loads(data)))
        except (ValueError, TypeError):
            logger.warning("malformed turn ignored: %r", data[:200])


@asynccontextmanager
async def receive_turns(metrics: TurnMetrics) -> AsyncIterator[str]:
    """Count in `metrics` the turns that jobs report; yields the path of the socket to report to.

    Raises CannotStart when the path of the folder for temporary files is too long for a socket in it.
    """
    if len(os.fsencode(tempfile.gettempdir())) > MAX_FOLDER_BYTES:
        raise CannotStart(
            f"{tempfile.gettempdir()} is too long a path for a socket: set TMPDIR to a folder "
            f"whose path has {MAX_FOLDER_BYTES} bytes or less"
        )
    with tempfile.TemporaryDirectory(prefix="agent-runtime-") as folder:
        path = str(Path(folder) / "turns")
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Listener(metrics), local_addr=path, family=socket.AF_UNIX
        )
        try:
            yield path
        finally:
            transport.close()
