"""The API as a process: its shutdown, memory and log."""

from __future__ import annotations

import json
import signal
import socket
import subprocess

import psutil
import pytest

from fixtures.processes.logged_process import LoggedProcess
from fixtures.runtime_client.judged_api import JudgedApi
from fixtures.stack.stack import command
from runtime.tests.api.start import StartApi


def process_of(api: JudgedApi) -> LoggedProcess:
    """The process that serves `api`."""
    assert api.process is not None
    return api.process


def test_first_signal_ends_it_with_code_0(start_api: StartApi) -> None:
    """SIGTERM ends the process with code 0, also while a client has sent half a request."""
    with start_api() as api, socket.create_connection(("127.0.0.1", api.port)) as client:
        client.sendall(
            b"POST /api/agents/register HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
        )
        process_of(api).send(signal.SIGTERM)
        assert process_of(api).wait(10) == 0


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"key": ""}, "AGENT_RUNTIME_API_KEY is not set"),
        (
            {"AGENT_RUNTIME_OPEN_SESSIONS_AND_METRICS": "true"},
            "AGENT_RUNTIME_OPEN_SESSIONS_AND_METRICS is true",
        ),
    ],
)
def test_an_open_door_is_warned_of_at_each_start(
    start_api: StartApi, environ: dict[str, str], words: str
) -> None:
    """An API that answers without a key says so in one line of the log at each start."""
    with start_api(**environ) as api:
        warnings = [line for line in process_of(api).lines() if '"WARNING"' in line]
        assert sum(words in line for line in warnings) == 1


def test_both_stacks_answer_on_the_ipv6_wildcard(start_api: StartApi) -> None:
    """HOST=:: answers on IPv4 and IPv6, and `health api` finds it."""
    with start_api(HOST="::") as api:
        assert api.send("GET", "/health").status == 200
        with socket.create_connection(("::1", api.port), 5) as client:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        ended = subprocess.run(
            [command(), "health", "api"],
            env={"HOST": "::", "PORT": str(api.port), "AGENT_RUNTIME_API_KEY": "k"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, ended.stdout) == (0, "api: healthy\n")


def test_memory_stays_small(start_api: StartApi) -> None:
    """After 200 requests the process has less than 84 MB of resident memory.

    Of these are cryptography 8 and aiohttp 10, for secrets at rest and for webhooks.
    """
    with start_api():
        pass  # the first start on a machine compiles modules, which takes more memory
    with start_api() as api:
        for _ in range(200):
            api.send("GET", "/api/agents")
        assert psutil.Process(process_of(api).pid).memory_info().rss < 84 * 1024 * 1024


def test_a_request_is_one_line_of_the_log(start_api: StartApi) -> None:
    """A request is one JSON line in the log with its path as sent, so that no path forges a line."""
    with start_api() as api:
        since = process_of(api).mark()
        api.send("GET", "/no%0Apath")
        line = process_of(api).wait_for('"request"', 10, since=since).string
    entry = json.loads(line)
    assert (entry["method"], entry["path"], entry["status"]) == ("GET", "/no%0Apath", 404)
    assert entry["ms"] >= 0
