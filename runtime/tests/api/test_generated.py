"""Schemathesis against the running API: every documented status of every operation is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from agent_runtime.api.http.bodies import MAX_BODY
from agent_runtime.api.http.framing.rules import MAX_HEAD
from fixtures.runtime_client.api_contract import ApiContract, Documented
from fixtures.runtime_client.judged_api import JudgedApi
from fixtures.servers import LiveKitServer
from runtime.tests.api.start import StartApi

from .resources.webhook_sender import deliver_signed

pytestmark = pytest.mark.services

HERE: Final = Path(__file__).parent


SEED: Final = 20260131  # two runs send the same requests
# Further seeds for the stateful phase, which ends early when a replay meets another state of the service.
MORE_SEEDS: Final = 6


# No generator creates a session of the caller whom it erases.
LIVE_CALLER: Final = Documented("POST /api/callers/erase", 409)
# Statuses of requests whose size or encoding no generator produces; `reach_limits` sends them.
BY_HAND: Final = frozenset({413, 415, 431})


def needing_no_fault(contract: ApiContract) -> set[Documented]:
    """The documented statuses that the platform's key must see without any outage."""
    found = {pair for pair, faults in contract.documented.items() if not faults}
    return found - contract.own


def generated(api: JudgedApi, folder: Path) -> set[Documented]:
    """The statuses that Schemathesis saw in all its phases, with as many stateful ones as needed.

    Fails with its report when it found a fault.
    """
    expected = {pair for pair in needing_no_fault(api.contract) if pair.status not in BY_HAND}
    expected.discard(Documented("POST /livekit/webhook", 200))
    expected.discard(LIVE_CALLER)
    seen = run(api, folder, "examples,coverage,fuzzing,stateful", SEED)
    for seed in range(SEED + 1, SEED + 1 + MORE_SEEDS):
        if expected <= seen:
            break
        seen |= run(api, folder, "stateful", seed)
    return seen


def run(api: JudgedApi, folder: Path, phases: str, seed: int) -> set[Documented]:
    """The statuses that one run of Schemathesis saw."""
    report = folder / f"report-{seed}.ndjson"
    ended = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--no-color", "--config-file", str(HERE / "schemathesis.toml")),
            *("run", str(HERE.parents[2] / "openapi.yaml")),
            *("--phases", phases, "--seed", str(seed)),
            *("--url", f"http://127.0.0.1:{api.port}"),
            *("--header", f"Authorization: Bearer {api.key}"),
            *("--report", "ndjson", "--report-ndjson-path", str(report)),
        ],
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_checks.py")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return set(_pairs(api.contract, report))


def _pairs(contract: ApiContract, report: Path) -> Iterator[Documented]:
    for line in report.read_text("utf-8").splitlines():
        event = json.loads(line).get("ScenarioFinished", {})
        for interaction in event.get("recorder", {}).get("interactions", {}).values():
            request, response = interaction["request"], interaction.get("response")
            name = contract.operation_of(request["method"], urlsplit(request["uri"]).path)
            if name is not None and response is not None:
                yield Documented(name, response["status_code"])


def reach_limits(api: JudgedApi) -> None:
    """Provoke 413 and 431 on every operation, and 415 where a body is read."""
    assert set(api.send_every_operation({"X": "x" * MAX_HEAD}).values()) == {431}
    for name in api.contract.operations:
        method, template = name.split()
        path = template.format(agentId=1, tenantId=1, sessionId="nope")
        assert api.send(method, path, body=b" " * (MAX_BODY + 1)).status == 413
    statuses = api.send_every_operation({"Content-Encoding": "br"})
    assert {name for name, status in statuses.items() if status == 415} == {
        "POST /api/agents/register",
        "POST /api/callers/erase",
        "POST /api/sessions/create",
    }


def refuse_erasure(api: JudgedApi) -> None:
    """Ask for the erasure of a caller whose session lives."""
    agent_id = api.new_id()
    api.register(agent_id)
    api.create(agent_id, participantIdentity="live-caller")
    erased = api.send("POST", "/api/callers/erase", {"identity": "live-caller"})
    assert erased.status == LIVE_CALLER.status


def test_every_documented_status_is_seen(
    start_api: StartApi,
    database: str,
    contract: ApiContract,
    livekit: LiveKitServer,
    tmp_path: Path,
) -> None:
    """No generated request finds a fault, and every status that needs no outage is seen."""
    with start_api(DATABASE_URL=database) as api:
        seen = generated(api, tmp_path)
        reach_limits(api)
        assert deliver_signed(api, livekit) == 200  # no generator can sign
        refuse_erasure(api)
        seen |= api.seen
    expected = needing_no_fault(contract)
    assert seen >= expected, f"never seen: {sorted(expected - seen)}"
    assert seen <= set(contract.documented)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'api.sqlite3'}"
    return str(request.getfixturevalue("postgres_database"))
