"""Silent connections beside clients and probes; how long an idle connection stays."""

from __future__ import annotations

import http.client
import socket
import time
from contextlib import ExitStack
from pathlib import Path

from fixtures.processes.logged_process import LoggedProcess
from fixtures.servers import LiveKitServer
from fixtures.stack import Stack, StackSettings
from fixtures.stack.stack import API_READY, command
from runtime.tests.api.start import StartApi


def get(connection: http.client.HTTPConnection, path: str) -> int:
    """The status of a GET on the connection, which stays open."""
    connection.request("GET", path, headers={"Authorization": "Bearer test-key"})
    with connection.getresponse() as response:
        response.read()
        return response.status


def test_silent_connections_take_nobody_elses_place(livekit: LiveKitServer, tmp_path: Path) -> None:
    """With 100 open files and 200 silent connections each request is answered, and few lines are logged."""
    stack = Stack(
        StackSettings(
            livekit_url=livekit.url,
            livekit_api_key=livekit.api_key,
            livekit_api_secret=livekit.api_secret,
            database_url=f"sqlite:///{tmp_path / 'api.sqlite3'}",
            log_folder=tmp_path,
        )
    )
    limited = ["sh", "-c", f"ulimit -n 100 && exec {command()} api"]
    process = LoggedProcess("api", limited, stack.environ, tmp_path / "api.log")
    try:
        process.wait_for(API_READY)
        with ExitStack() as silent:
            kept = http.client.HTTPConnection("127.0.0.1", stack.api_port, timeout=5)
            assert get(kept, "/health") == 200
            for _ in range(200):
                silent.enter_context(socket.create_connection(("127.0.0.1", stack.api_port), 5))
            began = time.monotonic()
            for path in ("/health", "/ready", "/api/agents"):
                other = http.client.HTTPConnection("127.0.0.1", stack.api_port, timeout=5)
                assert get(other, path) == 200
                other.close()
            # A client that has sent requests keeps its connection, while silent ones give way.
            assert get(kept, "/health") == 200
            kept.close()
            assert time.monotonic() - began < 3
        assert 1 <= sum("too many connections" in line for line in process.lines()) <= 3
        assert not any("Too many open files" in line for line in process.lines())
    finally:
        process.stop()


def test_keep_alive_is_a_setting(start_api: StartApi) -> None:
    """The header Keep-Alive is 5 s unless set, and an idle connection stays open for as long as it says."""
    with start_api() as api:
        assert api.send("GET", "/health").headers["keep-alive"] == "timeout=5"
    with start_api(HTTP_KEEP_ALIVE="1") as api:
        connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=5)
        connection.request("GET", "/health")
        with connection.getresponse() as response:
            response.read()
            assert response.headers["keep-alive"] == "timeout=1"
        began = time.monotonic()
        assert connection.sock is not None
        assert connection.sock.recv(1) == b""
        assert 0.8 < time.monotonic() - began < 3
        connection.close()
