"""Runs deploy/compose.yaml with the images of the tests."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fixtures.processes.ports import free_ports

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
IMAGE: Final = "E2E_RUNTIME_IMAGE"  # names an image that is there already
BUILT_IMAGE: Final = "agent-runtime-test/runtime:local"
COMMAND_SECONDS: Final = 600  # an image is built in one to two minutes on two cores


class CommandFailedError(Exception):
    """A command of Docker failed; the message holds the command and its output."""


def output_of(*command: str, cwd: Path = DEPLOY, **environ: str) -> str:
    """What the command prints. Raises CommandFailedError with all of it when the command fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )
    if done.returncode:
        raise CommandFailedError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def runtime_image() -> str:
    """The image that E2E_RUNTIME_IMAGE names, or one that is built now by deploy/build-test-image.sh."""
    if name := os.environ.get(IMAGE):
        return name
    output_of(str(DEPLOY / "images" / "build-runtime-image.sh"))
    return BUILT_IMAGE


def gateway() -> str:
    """Address of this machine that processes on it and containers both reach."""
    found: str = json.loads(output_of("docker", "network", "inspect", "bridge"))[0]["IPAM"][
        "Config"
    ][0]["Gateway"]
    return found


@asynccontextmanager
async def relayed(host: str, port: int) -> AsyncIterator[int]:
    """A port on `host` whose connections go on to 127.0.0.1:`port`, which only this machine reaches."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass  # the other direction closes both
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, there_writer), copy(there_reader, writer))

    server = await asyncio.start_server(serve, host, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@dataclass(frozen=True, slots=True)
class Deployment:
    """The running services: their addresses on this machine, and the keys."""

    api_url: str
    api_key: str
    livekit_url: str
    livekit_api_key: str
    livekit_api_secret: str
    compose: tuple[str, ...]

    def docker_compose(self, *arguments: str) -> str:
        """What the command of Compose prints. Raises CommandFailedError."""
        return output_of(*self.compose, *arguments)


def _compose_command() -> tuple[str, ...]:
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if plugin.returncode == 0:
        return ("docker", "compose")
    if found := shutil.which("docker-compose"):
        return (found,)
    raise CommandFailedError("neither `docker compose` nor `docker-compose` is installed")


@contextmanager
def deployment(folder: Path, environ: Mapping[str, str]) -> Iterator[Deployment]:
    """Every service of deploy/compose.yaml, started and healthy; `environ` goes to API and worker.

    Raises CommandFailedError, with the containers' logs when a service does not start.
    """
    address = gateway()
    api_port, livekit_port, tcp_port = free_ports(3)
    (udp_port,) = free_ports(1, socket.SOCK_DGRAM)
    api_key, secret = secrets.token_hex(16), secrets.token_hex(24)
    settings = {
        "COMPOSE_PROJECT_NAME": f"agent-runtime-test-{secrets.token_hex(4)}",
        "RUNTIME_IMAGE": runtime_image(),
        "LIVEKIT_IMAGE": os.environ.get("E2E_LIVEKIT_IMAGE", "livekit/livekit-server:v1.13.5"),
        "POSTGRES_IMAGE": os.environ.get("E2E_POSTGRES_IMAGE", "postgres:17"),
        # The user and database that every image of PostgreSQL has.
        "POSTGRES_USER": "postgres",
        "POSTGRES_DB": "postgres",
        "POSTGRES_PASSWORD": secrets.token_hex(8),
        "AGENT_RUNTIME_API_KEY": api_key,
        "LIVEKIT_API_KEY": "key",
        "LIVEKIT_API_SECRET": secret,
        "LIVEKIT_NODE_IP": address,
        "API_PORT": str(api_port),
        "LIVEKIT_PORT": str(livekit_port),
        "LIVEKIT_TCP_PORT": str(tcp_port),
        "LIVEKIT_UDP_PORT": str(udp_port),
        "ENV_FILE": str(folder / "compose.env"),
        **environ,
    }
    env_file = folder / "compose.env"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    compose = (*_compose_command(), "-f", str(DEPLOY / "compose.yaml"), "--env-file", str(env_file))
    running = Deployment(
        api_url=f"http://127.0.0.1:{api_port}",
        api_key=api_key,
        livekit_url=f"ws://{address}:{livekit_port}",
        livekit_api_key="key",
        livekit_api_secret=secret,
        compose=compose,
    )
    try:
        try:
            running.docker_compose("up", "-d")
            yield running
        except CommandFailedError as error:
            error.add_note(output_of(*compose, "logs", "--tail", "40"))
            raise
    finally:
        output_of(*compose, "down", "-v", "-t", "5")
