"""A fake API and LiveKit that fail in the ways that tests need."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any


class FakeApi(ThreadingHTTPServer):
    """An API that fails every second create or, with `hangs`, answers none; as LiveKit it returns 404."""

    daemon_threads = True

    def __init__(self, *, hangs: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.hangs = hangs
        self.create_received = threading.Event()
        self.released = threading.Event()
        self.numbers = count()

    @property
    def address_text(self) -> str:
        """Host and port of the server."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Answers(BaseHTTPRequestHandler):
    server: FakeApi

    def do_GET(self) -> None:
        self._answer(404 if self.path.startswith("/rtc") else 200, {})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.path.endswith("/create"):
            self._answer(200, {})
            return
        self.server.create_received.set()
        if self.server.hangs:
            self.server.released.wait()
        number = next(self.server.numbers)
        if number % 2:
            self._answer(500, {"error": "broken on purpose"})
        else:
            self._answer(200, {"session": {"sessionId": f"s-{number}"}})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name in the base class
        """Log nothing."""


@contextmanager
def fake_api(*, hangs: bool = False) -> Iterator[FakeApi]:
    """Run the fake while the context lasts."""
    server = FakeApi(hangs=hangs)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
