"""The worker's commands besides `start`, from the command line."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.voice.jobs.stores import Stores
from fixtures.agents import sample_agent
from fixtures.caller import Caller, room_token
from fixtures.processes.logged_process import LoggedProcess
from fixtures.servers import livekit_server
from fixtures.stack import Stack
from fixtures.stack.stack import command

pytestmark = pytest.mark.services


@pytest.fixture
def bare_environ() -> dict[str, str]:
    """An environment without any setting."""
    return {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}


def test_files_are_downloaded_without_any_key(bare_environ: dict[str, str], tmp_path: Path) -> None:
    """`download-files` needs no keys, which a container image lacks while it is built, and exits with 0."""
    done = subprocess.run(
        [command(), "worker", "download-files"],
        env=bare_environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for plugin in ("cartesia", "deepgram", "openai"):
        assert f"livekit.plugins.{plugin}" in done.stderr


def test_the_console_requires_an_agent(worker_stack: Stack, tmp_path: Path) -> None:
    """`console` without --agent exits with 2 and names the option."""
    done = subprocess.run(
        [command(), "worker", "console"],
        env=worker_stack.environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--agent" in done.stderr


def test_dev_restarts_the_worker_when_code_changes(worker_stack: Stack, tmp_path: Path) -> None:
    """A saved Python file restarts the worker; SIGTERM ends it and leaves no process."""
    environ = {**worker_stack.environ, "WORKER_HEALTH_PORT": "0", "WORKER_NUM_IDLE_PROCESSES": "1"}
    # `env -C`, because LoggedProcess starts its process where the tests run.
    started = ["env", "-C", str(tmp_path), command(), "worker", "dev"]
    worker = LoggedProcess("dev", started, environ, tmp_path / "dev.log")
    try:
        worker.wait_for("registered worker", 60)
        since = worker.mark()
        (tmp_path / "tool.py").write_text("ANSWER = 42\n")
        worker.wait_for("files changed: restarting", 30, since=since)
        worker.wait_for("registered worker", 60, since=since)
        tree = worker.tree()
        worker.send(signal.SIGTERM)
        assert worker.wait(30) == 0
        _, alive = psutil.wait_procs(tree, timeout=10)
        assert alive == []
    finally:
        worker.kill()


async def test_connect_joins_a_room_without_dispatch(
    worker_stack: Stack, stores: Stores, agent_id: int, tmp_path: Path
) -> None:
    """`connect --room` starts the agent that the room is named for."""
    await stores.agents.register(Registration(agent_id, 3, sample_agent("receptionist"), 10))
    room = f"agent-{agent_id}-room"
    # A LiveKit server of its own: the worker of the other tests would be sent to this room, too.
    with livekit_server(tmp_path) as own:
        environ = {
            **worker_stack.environ,
            "LIVEKIT_URL": own.url,
            "LIVEKIT_API_KEY": own.api_key,
            "LIVEKIT_API_SECRET": own.api_secret,
            "WORKER_HEALTH_PORT": "0",
        }
        arguments = [command(), "worker", "connect", "--room", room]
        worker = LoggedProcess("connect", arguments, environ, tmp_path / "connect.log")
        token = room_token(own.api_key, own.api_secret, room, "caller")
        try:
            worker.wait_for("agent is in the room", 60)
            async with Caller(own.url, token) as caller:
                assert len(caller.agents) == 1
                await caller.hear()
        finally:
            worker.kill()
