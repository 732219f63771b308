"""The gate on an API of another domain: recorded, replayed and judged by the same code."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contract.api.api import Api
from contract.api.profile import ApiProfile
from contract.corpus import frozen
from contract.options import Options, read
from contract.record.recording import Amount, record
from contract.report import junit, page, verdict
from contract.report.verdict import Verdict
from contract.run import Run
from contract.tests.another_api.lockers import KEY, PROFILE, Behaviour, Server, profile_for

pytestmark = pytest.mark.services

ROOT = Path(__file__).parents[3]
MODULE = "contract.tests.another_api.lockers"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded requests of the lockers, without generated ones, which take seconds."""
    folder = tmp_path_factory.mktemp("lockers") / "corpus"
    asyncio.run(recorded(profile_for(folder), Amount(seeds=())))
    return folder


async def recorded(profile: ApiProfile, amount: Amount) -> None:
    """Record a corpus with the old service."""
    assert profile.services is not None
    contract = profile.files.contract.resolve()
    async with profile.services.old(profile) as old:
        folder = profile.files.corpus
        await record(old, Api.load(profile), contract, amount, folder, lambda _: None)


async def run(profile: ApiProfile, folder: Path, command: str = "gate") -> Run:
    """One run of the gate, with its reports written."""
    options = replace(read([command, "--report", str(folder)]), profile=profile)
    files = profile.files
    options = replace(options, contract=files.contract, ledger=files.ledger, variants=("memory",))
    found = Run(options, lambda _: None)
    await found.run()
    verdict.write(found.report, folder)
    junit.write(found.report, folder)
    page.write(found.report, found.material, folder)
    return found


def test_the_corpus_holds_scenarios_and_variants_of_every_operation(corpus: Path) -> None:
    """Recording writes the directed scenarios and the variants of each valid example."""
    sources = [step.source for step in frozen.load(corpus).steps]
    assert "scenario/life/read-after" in sources
    assert sources.count("scenario/rush/store") == 4
    for example in PROFILE.examples.valid:
        assert f"mutator/{example.name}/keys/wrong-key" in sources
    assert "mutator/read/queries/start-twice" in sources  # `since` is a date in openapi.yaml


async def test_a_service_that_departs_as_decided_is_parity(corpus: Path, tmp_path: Path) -> None:
    """Parity: all answers alike but for the ledger's entry, and all mutants noticed."""
    found = await run(profile_for(corpus), tmp_path)
    assert found.report.sentence.startswith("Parity"), found.report.sentence
    assert found.report.verdict is Verdict.PARITY
    assert found.report.uses("collected-is-gone") > 0
    assert found.report.score is not None
    assert found.report.score.missed == []
    assert len(found.report.score.outcomes) == 12


async def test_a_wrong_service_is_a_named_divergence(corpus: Path, tmp_path: Path) -> None:
    """A parcel that can be collected twice is one cluster with its operation and shortest replay."""
    wrong = profile_for(corpus, lambda right: replace(right, collects_twice=True))
    found = await run(wrong, tmp_path, "compare")
    assert found.report.verdict is Verdict.DIVERGENCE
    ((side, cluster),) = found.report.clusters
    assert cluster.title == "DELETE /parcels/{code}: status 204 instead of 404 (step 4)"
    steps = {step.index: step.source for step in frozen.load(corpus).steps}
    replay = side.replays[cluster.fingerprint]
    assert [steps[index] for index in replay.steps] == [
        "scenario/life/store",
        "scenario/life/collect",
        "scenario/life/collect-again",
    ]
    text = (tmp_path / "index.html").read_text()
    assert "PARCEL_0=$(curl" in text  # the pasted replay learns the code of the parcel
    assert "&#34;code&#34;" in text


async def test_a_service_without_the_departure_is_at_fault(corpus: Path, tmp_path: Path) -> None:
    """The old behaviour in the new service is a divergence where the ledger demands another."""
    found = await run(profile_for(corpus, lambda _: Behaviour()), tmp_path, "compare")
    kinds = {(cluster.operation, cluster.statuses) for _, cluster in found.report.clusters}
    assert ("GET /parcels/{code}", (404, 404)) in kinds


def gate(corpus: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m contract --api` with the lockers."""
    return subprocess.run(
        [sys.executable, "-m", "contract", *arguments, "--api", MODULE],
        cwd=ROOT,
        env={**os.environ, "LOCKERS_CORPUS": str(corpus)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """An old and a right new service."""
    found = [Server(Behaviour()), Server(Behaviour(status_of_collected=410))]
    yield found
    for server in found:
        server.stop()


def test_the_command_line_takes_another_api(
    corpus: Path, servers: list[Server], tmp_path: Path
) -> None:
    """`--api MODULE` judges running services by that module's profile, ledger and corpus."""
    old, new = servers
    addresses = ["--old", old.url, "--new", new.url, "--key", KEY]
    result = gate(corpus, "compare", *addresses, "--report", str(tmp_path))
    assert result.returncode == 0, result.stdout + result.stderr
    assert json.loads((tmp_path / "verdict.json").read_text())["verdict"] == "parity"


def test_the_new_service_in_place_of_the_old_one_is_refused(
    corpus: Path, servers: list[Server], tmp_path: Path
) -> None:
    """A service that is not alive by the profile's liveness proves nothing: exit code 2."""
    old, new = servers
    addresses = ["--old", old.url, "--new", new.url, "--key", "not-the-key"]
    result = gate(corpus, "compare", *addresses, "--report", str(tmp_path))
    assert result.returncode == 2
    assert "--key" in result.stdout


def test_options_come_from_the_profile() -> None:
    """Ledger, contract and the choices of --database are those of the named API."""
    options: Options = read(["--api", MODULE, "--database", "memory"])
    assert options.ledger == PROFILE.files.ledger
    assert options.contract == PROFILE.files.contract
    assert options.variants == ("memory",)
    with pytest.raises(SystemExit):
        read(["--api", MODULE, "--database", "sqlite"])
