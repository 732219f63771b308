"""The commands `keys` and `audit` as an operator uses them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


class Operator:
    """Runs `agent-runtime` in a folder of its own, on one database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """The command's output; fails on another exit code or a traceback."""
        ended = subprocess.run(
            [sys.executable, "-m", "agent_runtime", *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "DATABASE_URL": "sqlite:///keys.sqlite3"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == code, ended.stderr
        assert "Traceback" not in ended.stderr
        return ended

    def json(self, *arguments: str) -> Any:
        """The command's output as JSON."""
        return json.loads(self.run(*arguments, "--json").stdout)


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """An operator without keys."""
    return Operator(tmp_path)


def test_a_key_is_shown_once(operator: Operator) -> None:
    """Standard output is the key alone; no file, list or audit holds it afterwards."""
    made = operator.run("keys", "create", "builder")
    key = made.stdout.strip()
    assert re.fullmatch(r"vark_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}", key)
    assert key not in made.stderr
    listed = operator.run("keys", "list").stdout + operator.run("audit").stdout
    assert "builder" in listed
    secret = key.rpartition("_")[2]
    assert secret not in listed
    for path in operator.folder.iterdir():
        assert secret.encode() not in path.read_bytes(), path


def test_a_rotation(operator: Operator) -> None:
    """Two keys of a name are valid at once; the old one is revoked by its id."""
    old = operator.json("keys", "create", "builder", "--tenant", "3")
    new = operator.json("keys", "create", "builder", "--tenant", "3")
    assert old["key"] != new["key"]
    assert "revoke one first" in operator.run("keys", "create", "builder", code=1).stderr
    ambiguous = operator.run("keys", "revoke", "builder", code=1).stderr
    assert old["id"] in ambiguous
    assert new["id"] in ambiguous
    assert operator.json("keys", "revoke", old["id"])["revoked"] is True
    states = {key["id"]: key["state"] for key in operator.json("keys", "list")}
    assert states == {old["id"]: "revoked", new["id"]: "valid"}
    operator.run("keys", "revoke", "builder")
    assert "no valid key" in operator.run("keys", "revoke", "builder", code=1).stderr


def test_a_key_has_what_was_asked_for(operator: Operator) -> None:
    """Tenant, scopes and expiry are in the list."""
    operator.run(
        *("keys", "create", "scraper", "--scope", "metrics:read,agents:read"),
        *("--expires", "2999-01-31", "--tenant", "3"),
    )
    (key,) = operator.json("keys", "list")
    assert key["scopes"] == ["agents:read", "metrics:read"]
    assert (key["tenant"], key["expires"]) == (3, "2999-02-01T00:00:00Z")
    assert (key["state"], key["lastUsed"]) == ("valid", None)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["a b"], "NAME 'a b'"),
        (["platform"], "platform"),
        (["x", "--tenant", "0"], "--tenant 0"),
        (["x", "--tenant", "three"], "--tenant"),
        (["x", "--scope", "agents:all"], "agents:write"),
        (["x", "--scope", ""], "--scope"),
        (["x", "--scope", "prometheus", "--tenant", "3"], "prometheus"),
        (["x", "--expires", "soon"], "--expires 'soon'"),
        (["x", "--expires", "2001-01-31"], "--expires"),
        (["x", "--expires", "999999w"], "--expires"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    operator: Operator, arguments: list[str], named: str
) -> None:
    """A fault exits with 2, and its line names the argument and what would be right."""
    ended = operator.run("keys", "create", *arguments, code=2)
    assert named in ended.stderr.splitlines()[-1]
    assert operator.json("keys", "list") == []


def test_the_audit_is_printed_from_a_time_on(operator: Operator) -> None:
    """Entries come as lines or as JSON, the oldest first, from a time on."""
    key = operator.json("keys", "create", "builder")
    operator.run("keys", "revoke", "builder")
    entries = operator.json("audit", "--since", "1h")
    assert [entry["operation"] for entry in entries] == ["keys create", "keys revoke"]
    assert {entry["key_id"] for entry in entries} == {key["id"]}
    assert {entry["actor"] for entry in entries} == {"cli"}
    assert len(operator.run("audit").stdout.splitlines()) == 2
    assert operator.json("audit", "--since", "2999-01-01") == []
    assert "--since 'soon'" in operator.run("audit", "--since", "soon", code=2).stderr


def test_agents_of_the_command_line_are_audited(operator: Operator) -> None:
    """An import and a rollback are in the audit; one for another tenant is refused."""
    document = {"agentId": 7, "tenantId": 3, "config": {}}
    (operator.folder / "desk.json").write_text(json.dumps(document))
    operator.run("agents", "import", "desk.json")
    operator.run("agents", "rollback", "7", "1")
    refused = operator.run("agents", "import", "desk.json", "--tenant", "4", code=1)
    assert "belongs to another tenant" in refused.stderr
    entries = operator.json("audit")
    assert [(entry["operation"], entry["agent_id"], entry["tenant_id"]) for entry in entries] == [
        ("agents import", 7, 3),
        ("agents rollback", 7, 3),
    ]
