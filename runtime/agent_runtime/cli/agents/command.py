"""The parser of `agents`, and what its subcommands have in common."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Final, TypeAlias

from agent_runtime.cli.agents import files, registered, versions
from agent_runtime.domain.errors import AgentRuntimeError, InvalidAgentConfig, Unavailable
from agent_runtime.settings import Settings

Run: TypeAlias = Callable[[Settings, argparse.Namespace], int]

FORMS: Final = ("registered", "file", "row", "v0")
WRITTEN: Final = ("registered", "file")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run the subcommand; what is wrong is one line each on stderr."""
    chosen: Run = arguments.step
    try:
        return chosen(settings, arguments)
    except Unavailable:
        raise
    except InvalidAgentConfig as error:
        for issue in error.issues:
            print(f"agent-runtime: {issue}", file=sys.stderr)
        return 1
    except AgentRuntimeError as error:
        print(f"agent-runtime: {error}; {error.remedy}", file=sys.stderr)
        return 1


def add_subcommands(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands of `agents`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, step: Run, text: str, *names: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(step=step)
        for one in names:
            sub.add_argument(one.lower(), metavar=one)
        return sub

    validate = command(
        "validate", files.validate, "check files; exit 0 when an agent can run with each"
    )
    importing = command("import", files.import_files, "register the agents of files, in any form")
    importing.add_argument("--tenant", type=int, help="id of the tenant (default: as before, or 1)")
    importing.add_argument("--id", type=int, help="number of the agent, for one file")
    for sub in (validate, importing):
        sub.add_argument("files", metavar="FILE", nargs="+")
        sub.add_argument("--form", choices=FORMS, help="the files' form (default: told by keys)")
        sub.add_argument("--json", action="store_true", help="print the report as JSON")
    export = command("export", registered.export, "print what is registered as JSON", "ID")
    export.add_argument("--form", choices=WRITTEN, default="registered")
    export.add_argument("--version", type=int, help="an earlier version of it")
    export.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="PATH",
        help="show this secret, for instance llmConfig.apiKey",
    )
    listing = command("list", registered.list_agents, "list the registered agents")
    show = command("show", registered.show, "show what is in force, and its sources", "ID")
    show.add_argument(
        "--prompt", action="store_true", help="print the instructions as a call has them"
    )
    diff = command("diff", versions.diff, "compare two files, agents or versions (ID@VERSION)")
    for name in ("one", "other"):
        diff.add_argument(name, metavar="FILE|ID|ID@VERSION")
    history = command("history", versions.history, "list the versions of an agent", "ID")
    for sub in (listing, show, history):
        sub.add_argument("--json", action="store_true", help="print JSON")
    rollback = command("rollback", versions.roll_back, "register an earlier version again", "ID")
    rollback.add_argument("version", metavar="VERSION", type=int)
    schema = command("schema", registered.schema, "print the JSON Schema of a form")
    schema.add_argument("--form", choices=WRITTEN, default="file")
