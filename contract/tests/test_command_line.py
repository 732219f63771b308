"""The whole gate, from its command line, old against old."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from contract.corpus.frozen import freeze, load
from contract.report.verdict import SCHEMA
from contract.tests import other_corpus
from fixtures.servers.node_service import NodeService

pytestmark = pytest.mark.services

KEY = "a-secret-that-no-report-may-show"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def urls() -> Iterator[list[str]]:
    """Three fresh stand-ins."""
    services = [NodeService(api_key=KEY, database_url="x") for _ in range(3)]
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(NodeService.start, services))
        yield [service.url for service in services]
    finally:
        for service in services:
            service.stop()


def gate(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m contract`."""
    command = [sys.executable, "-m", "contract", *arguments]
    env = {**os.environ, **variables}
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )


def test_old_against_old_is_silent(urls: list[str], tmp_path: Path) -> None:
    """Without a ledger the old service has no difference to itself, and the report fits its schema."""
    (tmp_path / "ledger.yaml").write_text("entries: []\n")
    old, again, new = urls
    result = gate(
        *("compare", "--old", old, "--old-again", again, "--new", new, "--key", KEY),
        *("--ledger", str(tmp_path / "ledger.yaml"), "--report", str(tmp_path)),
    )
    verdict = json.loads((tmp_path / "verdict.json").read_text())
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(verdict)
    assert verdict["clusters"] == []
    # What the contract promises and the old service never did was not observed.
    assert (result.returncode, verdict["verdict"]) == (2, "inconclusive")
    assert ["GET /api/sessions/{sessionId}", 404] in verdict["unobserved"]
    assert ET.parse(tmp_path / "junit.xml").getroot().tag == "testsuites"  # noqa: S314 - our own
    for path in tmp_path.iterdir():
        assert KEY not in path.read_text()


def test_the_committed_ledger_demands_its_departures(urls: list[str], tmp_path: Path) -> None:
    """With our ledger the old service in place of the new one is a divergence.

    The scenarios alone show that, in a tenth of the time of all recorded requests.
    """
    old, again, new = urls
    steps = load(other_corpus.PROFILE.files.corpus).steps
    freeze([step for step in steps if step.source.startswith("scenario/")], tmp_path / "corpus")
    result = gate(
        *("compare", "--old", old, "--old-again", again, "--new", new, "--key", KEY),
        *("--report", str(tmp_path), "--api", other_corpus.__name__),
        **{other_corpus.VARIABLE: str(tmp_path / "corpus")},
    )
    assert result.returncode == 1, result.stdout + result.stderr
    verdict = json.loads((tmp_path / "verdict.json").read_text())
    places = {(cluster["operation"], cluster["at"]) for cluster in verdict["clusters"]}
    assert ("GET /ready", "body /status") in places  # `healthy` in place of `ready`


def test_a_spent_budget_is_inconclusive(urls: list[str], tmp_path: Path) -> None:
    """Out of time is 2, and the report says so."""
    old, again, new = urls
    result = gate(
        *("compare", "--old", old, "--old-again", again, "--new", new, "--key", KEY),
        *("--report", str(tmp_path), "--budget", "0.2"),
    )
    assert result.returncode == 2
    assert "budget" in json.loads((tmp_path / "verdict.json").read_text())["sentence"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--old", "http://127.0.0.1:1", "--new", "http://127.0.0.1:1"],
        ["--old", "http://127.0.0.1:1", "--new", "http://127.0.0.1:2"],
        ["--old", "http://127.0.0.1:1"],
        ["--contract", "README.md"],
        ["--ledger", "openapi.yaml"],
        ["explain", "0000"],
    ],
    ids=["same", "nobody", "half", "no contract", "no ledger", "no finding"],
)
def test_bad_input_is_inconclusive(arguments: list[str], tmp_path: Path) -> None:
    """Whatever cannot be judged ends with 2 and a message, never with 0."""
    result = gate(*arguments, "--report", str(tmp_path))
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert result.stdout + result.stderr != ""
