"""A measured service as a process: starts it, waits for its first response, reads its memory, stops it."""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psutil

from fixtures.processes.environ import inherited_environ
from fixtures.processes.ports import free_ports
from fixtures.processes.spawn import spawn
from load.http.results import Memory
from load.http.variants import Variant
from load.http.wrk import Target

API_KEY: Final = "load-key"
STARTS_WITHIN: Final = 30.0  # seconds until the first response; later the start has failed
POLL_SECONDS: Final = 0.002  # seconds between two attempts; short against a cold start
MEGABYTE: Final = 1_000_000


class ServiceError(RuntimeError):
    """A service does not start, or responds with an error; the message gives the reason."""


class Service:
    """Runs while the context lasts. It logs directly to a file, so that no reader costs it time."""

    def __init__(self, variant: Variant, environ: Mapping[str, str], folder: Path) -> None:
        self.variant = variant
        (self._port,) = free_ports(1)
        self.target = Target(f"http://127.0.0.1:{self._port}", API_KEY)
        self._log_path = folder / f"{variant.name}.log"
        self._folder = folder
        self._environ = {
            **inherited_environ(),
            **variant.environ,
            **environ,
            "AGENT_RUNTIME_API_KEY": API_KEY,
            "HOST": "127.0.0.1",
            "PORT": str(self._port),
            "LOG_FORMAT": "json",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.cold_start = 0.0
        """Seconds from the start of the process to its first response with status 200."""

    def __enter__(self) -> Self:
        """Start it, and wait until GET /health returns 200. Raises ServiceError."""
        with self._log_path.open("ab") as log:
            began = time.perf_counter()
            self._process = spawn(
                self.variant.command, env=self._environ, cwd=self._folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            self._wait_until(began + STARTS_WITHIN)
        except BaseException:
            self._stop()
            raise
        self.cold_start = time.perf_counter() - began
        return self

    def _wait_until(self, deadline: float) -> None:
        assert self._process is not None  # noqa: S101 - for the type checker
        while not self._is_healthy():
            if self._process.poll() is not None or time.perf_counter() > deadline:
                tail = self._log_path.read_text(errors="replace")[-1500:]
                raise ServiceError(f"{self.variant.name} did not start:\n{tail}")
            time.sleep(POLL_SECONDS)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the process."""
        self._stop()

    def _stop(self) -> None:
        assert self._process is not None  # noqa: S101 - for the type checker
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _is_healthy(self) -> bool:
        try:
            self.request("GET", "/health")
        except OSError:
            return False
        return True

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Send one request and return the response's JSON. Raises ServiceError unless the status is 200."""
        headers = {
            "Authorization": f"Bearer {self.target.api_key}",
            "Content-Type": "application/json",
        }
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise ServiceError(f"{self.variant.name}: {method} {path}: {response.status} {text!r}")
        return json.loads(text)

    def memory(self) -> Memory:
        """Memory of the process now (VmRSS and Pss of /proc, read by psutil)."""
        assert self._process is not None  # noqa: S101 - for the type checker
        held = psutil.Process(self._process.pid).memory_full_info()
        return Memory(rss=held.rss / MEGABYTE, pss=held.pss / MEGABYTE)
