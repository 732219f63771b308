"""Figures of each turn as it ends: from the job's process to the worker's, for Prometheus.

Every call has a process of its own, which ends with it; what is scraped must outlive it. So a job sends
each turn to its worker as a datagram on a local socket, and the worker counts. A turn that cannot be sent
is not worth a caller's time: it is left out here, and stands in `session_metrics` all the same.
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

# Seconds. Fine where callers feel a difference, from a tenth of a second to two.
BUCKETS: Final = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0)
# Bytes of the path of the folder for temporary files: a socket's has 107 at most (unix(7)), and those of
# Python's multiprocessing, which ours are shorter than, are named `/pymp-xxxxxxxx/listener-xxxxxxxx` there.
LONGEST_FOLDER: Final = 75
# Name of a figure of `Turn`, its family, its help.
FAMILIES: Final[Mapping[str, tuple[str, str]]] = {
    "stt": ("stt_final", "From the end of the caller's speech to the final transcript."),
    "end_of_turn": ("end_of_turn", "From the end of the caller's speech to the end of the turn."),
    "llm": ("llm_first_token", "From the request to the language model to its first token."),
    "tts": ("tts_first_byte", "From the first text at speech synthesis to its first sound."),
    "response": ("response", "From the end of the caller's speech to the agent's first sound."),
}


class TurnReporter:
    """In the job's process. `path` is the worker's socket; an empty one is told nothing."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def report(self, turn: Turn) -> None:
        """Send it, without waiting."""
        if not self._path:
            return
        try:
            self._socket.sendto(json.dumps(asdict(turn)).encode(), self._path)
        except OSError as error:
            logger.debug("turn not told to the worker: %s", error)

    def close(self) -> None:
        """The call is over."""
        self._socket.close()


class TurnMetrics:
    """In the worker's process: histograms of seconds in `registry`, and their sums."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._stages = {
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
        # Name of a figure: how many, and the sum of their seconds.
        self.sums: dict[str, tuple[int, float]] = {}

    def count(self, turn: Turn) -> None:
        """Take one in."""
        self._turns.labels("agent" if turn.by_agent else "caller").inc()
        if turn.interrupted:
            self._interruptions.inc()
        for name, histogram in self._stages.items():
            milliseconds = getattr(turn, name)
            if milliseconds is not None:
                histogram.observe(milliseconds / 1000)
                number, total = self.sums.get(name, (0, 0.0))
                self.sums[name] = (number + 1, total + milliseconds / 1000)


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, figures: TurnMetrics) -> None:
        self._figures = figures

    def datagram_received(self, data: bytes, _address: Any) -> None:
        try:
            self._figures.count(Turn(**json.loads(data)))
        except (ValueError, TypeError):
            logger.warning("a turn that makes no sense: %r", data[:200])


@asynccontextmanager
async def listening(figures: TurnMetrics) -> AsyncIterator[str]:
    """The path of a socket that takes turns into `figures` while this is open.

    Raises CannotBegin where a folder for temporary files has too long a path for sockets in it.
    """
    if len(os.fsencode(tempfile.gettempdir())) > LONGEST_FOLDER:
        raise CannotStart(
            f"no socket has room for its path in {tempfile.gettempdir()}: set TMPDIR to a folder "
            f"whose path has {LONGEST_FOLDER} bytes or less"
        )
    with tempfile.TemporaryDirectory(prefix="agent-runtime-") as folder:
        path = str(Path(folder) / "turns")
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Listener(figures), local_addr=path, family=socket.AF_UNIX
        )
        try:
            yield path
        finally:
            transport.close()
