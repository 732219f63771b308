"""Secrets as an operator meets them: the command `secrets`, starts with wrong keys, and what is printed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent_runtime.secrecy.keyring import generate_key, read_keys

from .test_main import KEYS, run

PLANTED = "pl4nted"
DATABASE = "sqlite:///x.sqlite3"


def database_with_agents(folder: Path, number: int) -> None:
    """A database with registrations in clear."""
    assert run(folder, "db", "migrate", DATABASE_URL=DATABASE).returncode == 0
    with closing(sqlite3.connect(folder / "x.sqlite3")) as file, file:
        file.executemany(
            "INSERT INTO runtime_registrations (agent_id, tenant_id, config, max_sessions, created_at,"
            " updated_at) VALUES (?, 1, ?, 1, '2026-01-01', '2026-01-01')",
            [(one, json.dumps({"llmConfig": {"apiKey": PLANTED}})) for one in range(1, number + 1)],
        )


def test_a_generated_key_is_usable(tmp_path: Path) -> None:
    """`secrets generate-key` prints one key that the setting takes, another one each time."""
    keys = {run(tmp_path, "secrets", "generate-key").stdout.strip() for _ in range(2)}
    assert len(keys) == 2
    for key in keys:
        assert len(read_keys(key)) == 1


def test_rotate_encrypts_every_row_and_counts(tmp_path: Path) -> None:
    """`secrets rotate` prints how many rows it encrypted; then no file holds a secret."""
    database_with_agents(tmp_path, 3)
    environ = {"DATABASE_URL": DATABASE, "AGENT_RUNTIME_SECRET_KEY": generate_key()}
    done = run(tmp_path, "secrets", "rotate", **environ)
    assert (done.returncode, done.stdout) == (
        0,
        "3 configurations encrypted anew, 0 had the current key already\n",
    )
    assert (
        "0 configurations encrypted anew, 3 had"
        in run(tmp_path, "secrets", "rotate", **environ).stdout
    )
    assert [one.name for one in tmp_path.iterdir() if PLANTED.encode() in one.read_bytes()] == []


def test_rotate_without_a_key_names_the_variable(tmp_path: Path) -> None:
    """`secrets rotate` without a key exits 2 with one line that says how to make one."""
    done = run(tmp_path, "secrets", "rotate", DATABASE_URL=DATABASE)
    assert done.returncode == 2
    assert "AGENT_RUNTIME_SECRET_KEY is not set" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [("api",), ("worker", "start")])
@pytest.mark.parametrize("key", ["", "A" * 43 + "="], ids=["none", "another"])
def test_a_process_with_a_missing_key_does_not_start(
    tmp_path: Path, command: tuple[str, ...], key: str
) -> None:
    """API and worker whose keys do not open what is stored exit 1 and name variable, key and number."""
    database_with_agents(tmp_path, 2)
    right = {"DATABASE_URL": DATABASE, "AGENT_RUNTIME_SECRET_KEY": generate_key()}
    run(tmp_path, "secrets", "rotate", **right)
    ended = run(
        tmp_path,
        *command,
        **KEYS,
        DATABASE_URL=DATABASE,
        AGENT_RUNTIME_SECRET_KEY=key,
        LIVEKIT_URL="ws://127.0.0.1:1",
        PORT="0",
        WORKER_HEALTH_PORT="0",
    )
    assert ended.returncode == 1
    assert "configurations of agents are encrypted (2 with key" in ended.stderr
    assert "AGENT_RUNTIME_SECRET_KEY" in ended.stderr
    assert "Traceback" not in ended.stderr


MALFORMED = [
    f"postgresql://u:{PLANTED}@h:x/db",
    f"postgresql://u:{PLANTED}/a@h/db",
    f"postgresql://u:{PLANTED}#?@h/db",
    f"postgresql://u:%zz{PLANTED}@h/db",
    f"postgresql://u@127.0.0.1:1/db?password={PLANTED}",
    f"postgresql://u@127.0.0.1:1/db?passw%6Frd={PLANTED}",
    f"postgresql://u:{PLANTED}@127.0.0.1:1/db",
    f"postgresql://u:p@h/db?{PLANTED}",
    f"postgresql://u:p@h/db?unknown={PLANTED}",
    f"postgresql://[{PLANTED}/db",
    f"mysql://u:{PLANTED}@h/db",
    f"sqlite://u:{PLANTED}@h/x",
    PLANTED,
]


@pytest.mark.parametrize("url", MALFORMED)
@pytest.mark.parametrize("command", ["config show", "db check"])
def test_no_command_prints_a_password(tmp_path: Path, command: str, url: str) -> None:
    """However a database URL is malformed, its password is in no output, and there is no traceback."""
    ended = run(tmp_path, *command.split(), DATABASE_URL=url)
    assert PLANTED not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "given",
    [
        {"LIVEKIT_URL": f"wss://u:{PLANTED}@h"},
        {"LIVEKIT_URL": f"wss://{PLANTED}@h"},
        {"LIVEKIT_URL": f"wss://h?access_token={PLANTED}"},
        {"OPENAI_BASE_URL": f"https://h/v1?api%2Dkey={PLANTED}"},
        {"OPENAI_BASE_URL": f"https://u:{PLANTED}@h:port/v1"},
        {"OPENAI_API_KEY": PLANTED, "LANGFUSE_SECRET_KEY": PLANTED},
        {"AGENT_RUNTIME_API_KEY": PLANTED, "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": PLANTED},
        {"AGENT_RUNTIME_SECRET_KEY": PLANTED},
        {"AGENT_RUNTIME_SECRET_KEY": f"{'A' * 43}=,{PLANTED}"},
    ],
)
def test_no_setting_prints_a_secret(tmp_path: Path, given: dict[str, str]) -> None:
    """`config show` and the list of invalid settings hide keys, passwords and tokens of every variable."""
    ended = run(tmp_path, "config", "show", **given)
    assert PLANTED not in ended.stdout + ended.stderr
    assert next(iter(given)) in ended.stdout + ended.stderr
