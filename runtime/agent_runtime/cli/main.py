"""The command `agent-runtime`.

Exit codes: 0 all is well; 1 a check failed or a part ended by itself; 2 wrong usage or settings.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from agent_runtime import __version__
from agent_runtime.cli.health_probe import probe
from agent_runtime.domain.errors import CannotStart, StoreUnavailable
from agent_runtime.settings import Settings, SettingsError
from agent_runtime.telemetry.logs import configure_logging

LIVEKIT = ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
DOWNLOAD = "download-files"
WORKER_MODES = ("start", "dev", "console", "connect", DOWNLOAD)

# What a command needs it imports itself: the worker's half alone takes seconds to load.


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments, rest = _parser().parse_known_args(argv)
    if rest and arguments.run is not _worker:
        _parser().error(f"unrecognized arguments: {' '.join(rest)}")
    arguments.rest = rest
    if arguments.run is _worker and arguments.mode == DOWNLOAD:
        arguments.needs = ()  # an image that is being built has no key
    try:
        settings = Settings.load(os.environ, env_file=Path(".env"), needs=arguments.needs)
    except SettingsError as error:
        print("agent-runtime: the settings do not do:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
        print("Each variable is explained in .env.example.", file=sys.stderr)
        return 2
    configure_logging(settings.log.level, settings.log.format)
    run: Callable[[Settings, argparse.Namespace], int] = arguments.run
    try:
        return run(settings, arguments)
    except (CannotStart, StoreUnavailable) as error:
        print(f"agent-runtime: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="agent-runtime", description="Voice-agent runtime for LiveKit."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str,
        run: Callable[[Settings, argparse.Namespace], int],
        text: str,
        needs: Sequence[str] = (),
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run, needs=needs)
        return sub

    command("serve", _serve, "API and worker in one process tree", LIVEKIT)
    command("api", _api, "the HTTP API", LIVEKIT)
    worker = command("worker", _worker, "the LiveKit worker", LIVEKIT)
    worker.add_argument("mode", choices=WORKER_MODES)
    health = command("health", _health, "exit 0 when the running process is healthy, else 1")
    health.add_argument("part", choices=("worker", "api", "all"), nargs="?", default="worker")
    database = command("db", _db, "the database: check its schema, or migrate our own tables")
    database.add_argument("step", choices=("check", "migrate"))
    command("doctor", _doctor, "check what must hold of all sessions; exit 0 when it does, else 1")
    sessions = command("sessions", _sessions, "the sessions that live, and what happens to one")
    sessions.add_argument("--follow", metavar="ID", help="what happened to this one, to its end")
    config = command("config", _config, "show every setting in force, secrets hidden")
    config.add_argument("step", choices=("show",))
    token = command("token", _token, "a token to join a room by hand", LIVEKIT)
    token.add_argument("--room", required=True, help="room to join, agent-7-room for instance")
    token.add_argument("--identity", default="caller", help="who joins (default: caller)")
    token.add_argument("--minutes", type=int, default=60, help="how long it is valid (default: 60)")
    return parser


def _serve(_settings: Settings, _arguments: argparse.Namespace) -> int:
    from agent_runtime.cli.serve import serve

    return serve()


def _api(settings: Settings, _arguments: argparse.Namespace) -> int:
    from agent_runtime.wiring import run_api

    return run_api(settings)


def _worker(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent_runtime.wiring import run_worker

    return run_worker(settings, arguments.mode, arguments.rest)


def _health(settings: Settings, arguments: argparse.Namespace) -> int:
    urls = {
        "worker": f"http://127.0.0.1:{settings.worker.health_port}/",
        "api": f"http://127.0.0.1:{settings.api.port}/health",
    }
    parts = urls if arguments.part == "all" else {arguments.part: urls[arguments.part]}
    healthy = True
    for part, url in parts.items():
        problem = probe(url)
        print(f"{part}: {problem or 'healthy'}")
        healthy = healthy and problem is None
    return 0 if healthy else 1


def _db(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent_runtime import wiring

    if arguments.step == "migrate":
        print(wiring.migrate_database(settings))
        return 0
    findings = wiring.check_database(settings)
    for finding in findings:
        print(finding)
    print(f"{len(findings)} differences" if findings else "the schema is as it should be")
    return 1 if findings else 0


def _doctor(settings: Settings, _arguments: argparse.Namespace) -> int:
    from agent_runtime import wiring

    broken = wiring.examine(settings)
    for line in broken:
        print(line)
    print(f"{len(broken)} things are wrong" if broken else "all is as it should be")
    return 1 if broken else 0


def _sessions(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent_runtime import wiring

    if arguments.follow is None:
        print("\n".join(wiring.live_sessions(settings)))
        return 0
    if wiring.follow(settings, arguments.follow, partial(print, flush=True)):
        return 0
    print(f"agent-runtime: there is no session {arguments.follow}", file=sys.stderr)
    return 1


def _config(settings: Settings, _arguments: argparse.Namespace) -> int:
    for variable, value in settings.variables().items():
        print(f"{variable}={value}")
    return 0


def _token(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent_runtime.wiring import caller_token

    valid = timedelta(minutes=arguments.minutes)
    print(caller_token(settings, arguments.room, arguments.identity, valid))
    return 0
