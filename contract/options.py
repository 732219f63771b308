"""The command line, as typed values."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contract.api.profile import ApiProfile
from contract.errors import BrokenInput
from contract.http.address import Trust
from contract.testbed.external import External

COMMANDS: Final = ("gate", "compare", "self-test", "record", "explain")
AGENT_API: Final = "contract.agent_api.profile"

_EPILOG: Final = """\
Without --old and --new the gate starts all services itself: the Node.js stand-in twice and our API on
SQLite and on PostgreSQL. Exit codes: 0 parity, 1 divergence, 2 inconclusive. Manual: docs/parity.md"""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a command. `budget` is in seconds; `variants` name the managed new services."""

    command: str
    finding: str | None
    profile: ApiProfile
    external: External | None
    contract: Path
    ledger: Path
    report: Path
    seed: int
    budget: float | None
    variants: tuple[str, ...]
    generate: bool = False


def read(arguments: Sequence[str]) -> Options:
    """Read the command line; an invalid one ends the process with exit code 2 and the reason.

    Raises BrokenInput when --api names no profile.
    """
    profile = _profile(_api(arguments))
    parser = _parser(profile)
    # The command `gate` may be left out: `python -m contract --old ... --new ...`.
    words = list(arguments)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words.insert(0, "gate")
    given = parser.parse_intermixed_args(words)
    if given.command != "record" and bool(given.old) != bool(given.new):
        parser.error("--old and --new belong together: give both, or neither")
    if given.command == "explain" and not given.finding:
        parser.error("explain needs the fingerprint of a cluster")
    if given.command != "explain" and given.finding is not None:
        parser.error(
            f"{given.finding}: a command comes first, and only explain takes a fingerprint"
        )
    return Options(
        given.command,
        given.finding,
        profile,
        _external(given) if given.old else None,
        given.contract,
        given.ledger,
        given.report,
        given.seed,
        given.budget,
        tuple(given.database or _variants(profile)),
        given.generate,
    )


def _external(given: Any) -> External:
    return External(
        given.old,
        given.new or "",
        given.old_again,
        given.key,
        given.reset_old,
        given.reset_new,
        given.restart_old,
        given.restart_new,
        Trust(given.ca, given.insecure),
    )


def _api(arguments: Sequence[str]) -> str:
    """The value of --api: the defaults of the other options depend on it."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--api", default=AGENT_API)
    try:
        name: str = parser.parse_known_args(arguments)[0].api
    except argparse.ArgumentError:  # the parser of all options reports it
        return AGENT_API
    return name


def _profile(module: str) -> ApiProfile:
    try:
        found = importlib.import_module(module).PROFILE
    except (ImportError, AttributeError) as error:
        raise BrokenInput(f"--api {module}: no module with a PROFILE ({error})") from error
    if not isinstance(found, ApiProfile):
        raise BrokenInput(f"--api {module}: PROFILE is no contract.api.profile.ApiProfile")
    return found


def _variants(profile: ApiProfile) -> tuple[str, ...]:
    return () if profile.services is None else profile.services.variants


def _parser(profile: ApiProfile) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m contract",
        description="The parity gate: does the new service answer as the old one does?",
        epilog=_EPILOG,
    )
    files = profile.files
    add = parser.add_argument
    add("command", choices=COMMANDS, help="default: gate, which is compare and self-test")
    add("finding", nargs="?", help="for explain: the fingerprint of a cluster")
    add("--old", metavar="URL", help="the old service")
    add("--new", metavar="URL", help="the new service")
    add("--old-again", metavar="URL", help="a second instance of the old service, to learn noise")
    add("--key", default="", metavar="K", help="the API key of all services")
    add("--reset-old", metavar="CMD", help="command that resets the old services")
    add("--reset-new", metavar="CMD", help="command that resets the new service")
    add("--restart-old", metavar="CMD", help="command that restarts the old services")
    add("--restart-new", metavar="CMD", help="command that restarts the new one, not its database")
    add("--ca", type=Path, metavar="F", help="PEM file of the CA that signed the https targets")
    add("--insecure", action="store_true", help="trust any certificate of the https targets")
    add("--ledger", type=Path, default=files.ledger, metavar="F", help="accepted differences")
    add("--contract", type=Path, default=files.contract, metavar="F", help="openapi.yaml")
    add("--report", type=Path, default=Path("reports/contract"), metavar="DIR", help="results")
    add("--seed", type=int, default=1, metavar="N", help="seed for the choice of leak tests")
    add(
        "--generate",
        action="store_true",
        help="record: generate again, too; else keep those requests",
    )
    add("--budget", type=_seconds, metavar="SECONDS", help="give up after this time (exit code 2)")
    add(
        "--database",
        action="append",
        choices=_variants(profile),
        help="only with this database, for services that the gate starts",
    )
    add("--api", default=AGENT_API, metavar="MODULE", help="module with the PROFILE of the API")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:  # NaN neither
        raise argparse.ArgumentTypeError("must be more than 0")
    return value
