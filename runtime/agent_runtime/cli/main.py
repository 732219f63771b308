"""The command `agent-runtime`: its parser, and what all commands have in common.

Exit codes: 0 success; 1 a check failed, something is unavailable, or a part ended by itself; 2 wrong
usage or settings; 130 interrupted from the keyboard.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from agent_runtime import __version__
from agent_runtime.cli import caller_token, health_probe, processes, sessions
from agent_runtime.cli.access import audit, keys
from agent_runtime.cli.admin import config, db, doctor, erase, secrets, webhooks
from agent_runtime.cli.agents import command as agents
from agent_runtime.domain.errors import AgentRuntimeError, SecretsUnreadable, Unavailable
from agent_runtime.secrecy.known import remember
from agent_runtime.secrecy.shown import escaped
from agent_runtime.settings import Settings, SettingsError
from agent_runtime.telemetry.log_redaction import Redaction
from agent_runtime.telemetry.logs import configure_logging

logger = logging.getLogger(__name__)

Run: TypeAlias = Callable[[Settings, argparse.Namespace], int]

# Settings that a command which talks to LiveKit cannot do without.
LIVEKIT: Final = ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    if rest and arguments.run is not processes.worker:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    arguments.rest = rest
    needs = arguments.needs
    if arguments.run is processes.worker and arguments.mode == processes.DOWNLOAD_FILES:
        needs = ()  # it runs while an image is built, where no key is known
    try:
        settings = Settings.load(
            os.environ,
            env_file=Path(".env"),
            needs=needs,
            serves_api=arguments.run in (processes.api, processes.serve),
            keys_exist=processes.keys_exist,
        )
    except SettingsError as error:
        print("agent-runtime: invalid settings:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
        print("Each variable is explained in .env.example.", file=sys.stderr)
        return 2
    except Unavailable as error:
        return _unavailable(error, Redaction())
    remember(settings.secret_values())
    redaction = Redaction(pii=settings.log.pii)
    configure_logging(settings.log.level, settings.log.format, redaction=redaction)
    run: Run = arguments.run
    try:
        return run(settings, arguments)
    except (Unavailable, SecretsUnreadable) as error:
        return _unavailable(error, redaction)
    except KeyboardInterrupt:
        return 130
    except Exception:
        # Python would print the same without a look at the secrets in it.
        logger.critical(
            "%s ended by an error that is not known", arguments.run.__name__, exc_info=True
        )
        return 1


def _unavailable(error: AgentRuntimeError, redaction: Redaction) -> int:
    remedy = f"; {error.remedy}" if error.remedy else ""
    print(f"agent-runtime: {escaped(redaction.text(str(error)))}{remedy}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="agent-runtime", description="Voice-agent runtime for LiveKit."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Run, text: str, needs: Sequence[str] = ()
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run, needs=needs)
        return sub

    command("serve", processes.serve, "run API and worker in one process tree", LIVEKIT)
    command("api", processes.api, "run the HTTP API", LIVEKIT)
    worker = command("worker", processes.worker, "run the LiveKit worker", LIVEKIT)
    worker.add_argument("mode", choices=processes.WORKER_MODES)
    health = command(
        "health", health_probe.run, "exit 0 when the running process is healthy, else 1"
    )
    health.add_argument("part", choices=("worker", "api", "all"), nargs="?", default="worker")
    database = command(
        "db",
        db.run,
        "check the database's schema, migrate our own tables, or create all on an empty one",
    )
    database.add_argument("step", choices=("check", "migrate", "create"))
    laws = command(
        "doctor", doctor.run, "check the invariants of all sessions; exit 0 when they hold"
    )
    laws.add_argument(
        "--repair", action="store_true", help="first merge several rows of metrics of one session"
    )
    erasure = command("erase", erase.run, "erase what is stored of one caller", LIVEKIT)
    erasure.add_argument("--caller", metavar="ID", required=True, help="the caller's identity")
    erasure.add_argument("--dry-run", action="store_true", help="only count the rows")
    erasure.add_argument("--json", action="store_true", help="print JSON")
    listing = command("sessions", sessions.run, "list live sessions, or follow the events of one")
    listing.add_argument("--follow", metavar="ID", help="print this session's events to its end")
    agents.add_subcommands(
        command(
            "agents", agents.run, "check and import agents, show and compare what is registered"
        )
    )
    shown = command("config", config.run, "show every setting in force, secrets hidden")
    shown.add_argument("step", choices=("show",))
    sealing = command(
        "secrets", secrets.run, "make a key for agents' secrets, or encrypt all with it"
    )
    sealing.add_argument("step", choices=secrets.STEPS)
    keys.add_arguments(command("keys", keys.run, "create, list and revoke API keys"))
    audit.add_arguments(command("audit", audit.run, "print who changed what over HTTP, and keys"))
    webhooks.add_subcommands(
        command("webhooks", webhooks.run, "list webhooks, send them again, or test addresses")
    )
    token = command("token", caller_token.run, "make a token to join a room by hand", LIVEKIT)
    token.add_argument("--room", required=True, help="room to join, for instance agent-7-room")
    token.add_argument("--identity", default="caller", help="who joins (default: caller)")
    token.add_argument("--minutes", type=int, default=60, help="validity (default: 60)")
    return parser
