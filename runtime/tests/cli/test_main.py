"""The command as its users call it: a process, its output, its exit code."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from agent_runtime import __version__

KEYS = {"LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "secret"}


def run(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `agent-runtime` in an empty folder with nothing but `environ`."""
    return subprocess.run(
        [sys.executable, "-m", "agent_runtime", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_version(tmp_path: Path) -> None:
    """`--version` prints name and version."""
    assert run(tmp_path, "--version").stdout == f"agent-runtime {__version__}\n"


def test_config_show_marks_the_variables_without_effect(tmp_path: Path) -> None:
    """`config show` says of a variable that nothing acts on it yet, and nothing of the others."""
    shown = run(tmp_path, "config", "show").stdout.splitlines()
    assert "LANGFUSE_ENABLED=false  # nothing acts on it yet" in shown
    assert "PORT=8080" in shown


def test_start_with_wrong_settings_lists_every_error(tmp_path: Path) -> None:
    """A start with four faults names all four variables, exits 2 and starts nothing."""
    ended = run(tmp_path, "api", PORT="x", LOG_LEVEL="loud", LIVEKIT_URL="localhost")
    assert ended.returncode == 2
    for variable in ("PORT", "LOG_LEVEL", "LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        assert f"  {variable}: " in ended.stderr
    assert ended.stderr.startswith("agent-runtime: invalid settings:\n")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("command", "host", "port"),
    [("api", "HOST", "PORT"), ("worker start", "WORKER_HEALTH_HOST", "WORKER_HEALTH_PORT")],
)
def test_a_taken_port_is_reported_with_its_setting(
    tmp_path: Path, worker_port: tuple[int, list[int]], command: str, host: str, port: str
) -> None:
    """A taken port is reported with its address and its settings, without a traceback."""
    number = str(worker_port[0])
    ended = run(tmp_path, *command.split(), **KEYS, **{host: "127.0.0.1", port: number})
    assert ended.returncode == 1
    message = f"127.0.0.1 port {number}: Address already in use; set {host} and {port}"
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unknown_host_is_reported_in_words(tmp_path: Path) -> None:
    """An unknown host is reported in words, although the system has no text for its error number."""
    ended = run(tmp_path, "api", **KEYS, HOST="nowhere.invalid", AGENT_RUNTIME_API_KEY="k")
    assert ended.returncode == 1
    assert "the API cannot listen on nowhere.invalid port 8080: " in ended.stderr
    assert "Unknown error" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_api_that_strangers_could_use_does_not_start(tmp_path: Path) -> None:
    """Without a key `api` and `serve` refuse an address that other machines reach, with exit code 2."""
    for command in ("api", "serve"):
        ended = run(tmp_path, command, **KEYS, HOST="0.0.0.0")  # noqa: S104
        assert ended.returncode == 2
        assert "  HOST: other machines can reach 0.0.0.0, and AGENT_RUNTIME_API_KEY" in ended.stderr


def test_a_path_too_long_for_sockets_is_reported(tmp_path: Path) -> None:
    """A TMPDIR too long for the sockets of worker processes is reported with the allowed length."""
    deep = tmp_path / ("x" * 80)
    deep.mkdir()
    ended = run(tmp_path, "worker", "start", TMPDIR=str(deep), **KEYS)
    assert ended.returncode == 1
    assert "set TMPDIR to a folder whose path has 75 bytes or less" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_config_show_reads_env_file_and_hides_secrets(tmp_path: Path) -> None:
    """`config show` prints the settings in force, from environment and .env, without secrets."""
    (tmp_path / ".env").write_text("PORT=9000\nOPENAI_API_KEY=sk-very-secret\n")
    shown = run(tmp_path, "config", "show", HOST="127.0.0.1").stdout
    assert "PORT=9000" in shown
    assert "HOST=127.0.0.1" in shown
    assert "very-secret" not in shown


def test_unknown_arguments_are_refused(tmp_path: Path) -> None:
    """A misspelled option is an error with exit code 2."""
    ended = run(tmp_path, "config", "show", "--jsno")
    assert ended.returncode == 2
    assert "--jsno" in ended.stderr


@pytest.fixture
def worker_port() -> Iterator[tuple[int, list[int]]]:
    """A health endpoint that answers with the first status of a list."""
    answers = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers[0])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Do not log."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, answers
        server.shutdown()
        thread.join()


def test_health_is_an_exit_code(tmp_path: Path, worker_port: tuple[int, list[int]]) -> None:
    """`health` exits 0 on 200, and 1 with the reason on 503 or when nothing listens."""
    port, answers = worker_port
    healthy = run(tmp_path, "health", WORKER_HEALTH_PORT=str(port))
    assert (healthy.returncode, healthy.stdout) == (0, "worker: healthy\n")
    answers[0] = 503
    unhealthy = run(tmp_path, "health", WORKER_HEALTH_PORT=str(port))
    assert unhealthy.returncode == 1
    assert "answers 503" in unhealthy.stdout
    absent = run(tmp_path, "health", "all", WORKER_HEALTH_PORT="1", PORT="1")
    assert absent.returncode == 1
    assert absent.stdout.count("does not answer") == 2
