"""The command line, read into typed values."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.agent_api.profile import PROFILE
from contract.errors import BrokenInput
from contract.options import AGENT_API, COMMANDS, read
from contract.testbed.external import External
from contract.tests.another_api import lockers

OLD, NEW, AGAIN = "http://old", "http://new", "http://again"
LOCKERS = "contract.tests.another_api.lockers"
BOTH = ("--old", OLD, "--new", NEW)


def test_without_arguments_the_gate_starts_everything_itself() -> None:
    """No argument means the whole gate on services of its own, with the files of the profile."""
    found = read([])
    assert (found.command, found.external, found.finding) == ("gate", None, None)
    assert found.profile is PROFILE
    assert (found.contract, found.ledger) == (PROFILE.files.contract, PROFILE.files.ledger)
    assert found.report == Path("reports/contract")
    assert (found.seed, found.budget) == (1, None)
    assert found.variants == ("sqlite", "postgresql")


def test_every_option_arrives() -> None:
    """Each option of the command line is a value of its own, with its own type."""
    found = read(
        [
            *("compare", *BOTH, "--old-again", AGAIN, "--key", "k"),
            *("--reset-old", "a b", "--reset-new", "c", "--restart-old", "d", "--restart-new", "e"),
            *("--ledger", "l.yaml", "--contract", "o.yaml", "--report", "out"),
            *("--seed", "7", "--budget", "2.5", "--database", "sqlite"),
        ]
    )
    assert found.external == External(OLD, NEW, AGAIN, "k", "a b", "c", "d", "e")
    assert (found.ledger, found.contract) == (Path("l.yaml"), Path("o.yaml"))
    assert (found.report, found.seed, found.budget) == (Path("out"), 7, 2.5)
    assert found.variants == ("sqlite",)


def test_what_is_not_given_is_none() -> None:
    """Services without commands have none, and an empty key."""
    assert read(["gate", *BOTH]).external == External(OLD, NEW)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_read(command: str) -> None:
    """Each command is accepted, `explain` with a fingerprint."""
    more = ["abc"] if command == "explain" else []
    assert read([command, *more]).command == command


@pytest.mark.parametrize(
    "arguments", [list(BOTH), ["--seed", "1", *BOTH], [*BOTH, "--database", "sqlite"]]
)
def test_the_command_gate_may_be_left_out(arguments: list[str]) -> None:
    """Options without a command are those of the gate."""
    found = read(arguments)
    assert (found.command, found.finding) == ("gate", None)
    assert found.external == External(OLD, NEW)


def test_options_may_stand_around_the_finding() -> None:
    """`explain` takes its fingerprint before and after options."""
    for words in (["explain", "abc", "--report", "r"], ["explain", "--report", "r", "abc"]):
        found = read(words)
        assert (found.command, found.finding, found.report) == ("explain", "abc", Path("r"))


def test_record_needs_the_old_service_alone() -> None:
    """A recording has no new service: its address stays empty."""
    assert read(["record", "--old", OLD]).external == External(OLD, "")
    assert read(["record"]).external is None


def test_databases_add_up() -> None:
    """`--database` may be given for each database that is wanted, in that order."""
    found = read(["--database", "postgresql", "--database", "sqlite"])
    assert found.variants == ("postgresql", "sqlite")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--old", OLD], "--old and --new belong together"),
        (["compare", "--new", NEW], "--old and --new belong together"),
        (["explain"], "explain needs the fingerprint"),
        (["explain", ""], "explain needs the fingerprint"),
        (["compare", "abc", *BOTH], "abc"),
        ([*BOTH, "compare"], "compare"),
        (["fly"], "invalid choice: 'fly'"),
        (["--database", "oracle"], "invalid choice: 'oracle'"),
        (["--budget", "0"], "must be more than 0"),
        (["--budget", "-1"], "must be more than 0"),
        (["--budget", "nan"], "must be more than 0"),
        (["--budget", "soon"], "--budget"),
        (["--seed", "x"], "--seed"),
        (["--unknown"], "unrecognized arguments: --unknown"),
        (["--api"], "--api"),
        (["--report"], "--report"),
    ],
)
def test_an_invalid_command_line_ends_with_2_and_the_reason(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever cannot be meant ends the process with 2, never with a run of something else."""
    with pytest.raises(SystemExit) as ended:
        read(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err.splitlines()[-1]


def test_help_names_commands_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` ends with 0 and explains the commands, the exit codes and where the manual is."""
    with pytest.raises(SystemExit) as ended:
        read(["--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for words in (*COMMANDS, "0 parity, 1 divergence, 2 inconclusive", "docs/parity.md"):
        assert words in text


@pytest.mark.parametrize("place", ["first", "last", "equals"])
def test_the_api_is_found_wherever_it_stands(place: str) -> None:
    """Defaults are those of `--api MODULE`, before or after other options, or with an equals sign."""
    words = {
        "first": ["--api", LOCKERS, "--seed", "2"],
        "last": ["compare", "--seed", "2", "--api", LOCKERS],
        "equals": [f"--api={LOCKERS}", "--seed", "2"],
    }
    found = read(words[place])
    assert found.profile is lockers.PROFILE
    assert (found.ledger, found.seed) == (lockers.PROFILE.files.ledger, 2)
    assert found.variants == ("memory",)


def test_a_file_that_is_given_replaces_that_of_the_profile() -> None:
    """`--ledger` and `--contract` count more than the files of the named API."""
    found = read(["--api", LOCKERS, "--ledger", "mine.yaml"])
    assert found.ledger == Path("mine.yaml")
    assert found.contract == lockers.PROFILE.files.contract


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("no.such.module", r"--api no\.such\.module: no module with a PROFILE"),
        ("contract.errors", r"--api contract\.errors: no module with a PROFILE"),
        ("contract.tests.test_options", r"PROFILE is no contract\.api\.profile\.ApiProfile"),
    ],
)
def test_a_module_without_a_profile_is_named(
    module: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing module, one without PROFILE, and a PROFILE of another kind are broken input."""
    monkeypatch.setattr("contract.tests.test_options.PROFILE", "a text")
    with pytest.raises(BrokenInput, match=words):
        read(["--api", module])


def test_the_default_api_is_that_of_this_repository() -> None:
    """Without `--api` the gate judges the agent API."""
    assert AGENT_API == "contract.agent_api.profile"
    assert read(["compare"]).profile.name == "agent service"
