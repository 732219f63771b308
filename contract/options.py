"""The command line, as typed values."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.ledger.entries import DEFAULT as DEFAULT_LEDGER

ROOT: Final = Path(__file__).parent.parent
COMMANDS: Final = ("gate", "compare", "self-test", "record", "explain")

_EPILOG: Final = """\
Without --old and --new everything is started here: the Node.js stand-in twice and our API on SQLite
and on PostgreSQL. Exit: 0 parity, 1 divergence, 2 inconclusive. docs/parity.md tells the rest."""


@dataclass(frozen=True, slots=True)
class External:
    """Services that already run. Commands are shell commands; None where there is none."""

    old: str
    new: str
    old_again: str | None
    key: str
    reset_old: str | None
    reset_new: str | None
    restart_old: str | None
    restart_new: str | None


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for."""

    command: str
    finding: str | None
    external: External | None
    contract: Path
    ledger: Path
    report: Path
    seed: int
    budget: float | None
    databases: tuple[str, ...]

    @property
    def coverage(self) -> bool:
        """Whether to tell how much of our HTTP layer was reached: where we start it ourselves."""
        return self.external is None


def read(arguments: Sequence[str]) -> Options:
    """Read the command line; a wrong one ends the process with 2 and says what is wrong."""
    parser = _parser()
    # The gate itself needs no word: `python -m contract --old ... --new ...`.
    words = list(arguments)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words.insert(0, "gate")
    given = parser.parse_intermixed_args(words)
    if bool(given.old) != bool(given.new):
        parser.error("--old and --new belong together: give both, or neither")
    finding = given.finding
    if given.command == "explain" and not finding:
        parser.error("explain needs the fingerprint of a cluster")
    external = None
    if given.old:
        external = External(
            given.old,
            given.new,
            given.old_again,
            given.key,
            given.reset_old,
            given.reset_new,
            given.restart_old,
            given.restart_new,
        )
    return Options(
        given.command,
        finding,
        external,
        given.contract,
        given.ledger,
        given.report,
        given.seed,
        given.budget,
        tuple(given.database or ("sqlite", "postgresql")),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m contract",
        description="The parity gate: does the new service answer as the old one does?",
        epilog=_EPILOG,
    )
    add = parser.add_argument
    add("command", choices=COMMANDS, help="gate (compare and self-test) when left out")
    add("finding", nargs="?", help="explain: the fingerprint of a cluster")
    add("--old", metavar="URL", help="the old service")
    add("--new", metavar="URL", help="the new service")
    add("--old-again", metavar="URL", help="a second instance of the old service, to learn noise")
    add("--key", default="", metavar="K", help="the API key of all of them")
    add("--reset-old", metavar="CMD", help="brings the old services to a fresh state")
    add("--reset-new", metavar="CMD", help="brings the new service to a fresh state")
    add("--restart-old", metavar="CMD", help="restarts the old services")
    add("--restart-new", metavar="CMD", help="restarts the new service, keeping its database")
    add("--ledger", type=Path, default=DEFAULT_LEDGER, metavar="F", help="accepted differences")
    add("--contract", type=Path, default=ROOT / "openapi.yaml", metavar="F", help="openapi.yaml")
    add("--report", type=Path, default=Path("reports/contract"), metavar="DIR")
    add("--seed", type=int, default=1, metavar="N", help="which neighbours the leak tests try")
    add("--budget", type=_seconds, metavar="SECONDS", help="give up (2) when it takes longer")
    add(
        "--database",
        action="append",
        choices=("sqlite", "postgresql"),
        help="only on this database (of services started here)",
    )
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return value
