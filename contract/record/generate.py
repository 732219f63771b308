"""Lets Schemathesis generate requests from openapi.yaml against the old service, through the proxy.

With the same seed Schemathesis sends different requests to two servers. So its requests to one server
are recorded, once, and replayed to all.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from contract.api.specification import own_paths
from contract.errors import BrokenInput
from contract.http.messages import RECORDED_KEY
from contract.record.proxy import RecordingProxy, Taken
from contract.targets.target import Target

# Exit codes of a complete run: 0, and 1 (failures found), which do not matter here.
_RAN = (0, 1)


async def generated(
    old: Target,
    contract: Path,
    seeds: Sequence[int],
    max_examples: int,
    report: Callable[[str], None],
) -> list[Taken]:
    """The requests of all seeds, one seed after another, each from fresh state.

    `contract` is the absolute path of openapi.yaml. Raises BrokenInput when Schemathesis fails.
    """
    found: list[Taken] = []
    for seed in seeds:
        await old.reset()
        async with RecordingProxy(old.send) as proxy:
            await _run(proxy.url, contract, seed, max_examples)
            report(f"seed {seed}: {len(proxy.taken)} requests")
            found += proxy.taken
    return found


async def _run(url: str, contract: Path, seed: int, max_examples: int) -> None:
    command = Path(sys.executable).with_name("schemathesis")
    arguments = [
        *("run", str(contract), "--url", url, "--seed", str(seed)),
        *("--phases", "examples,coverage,fuzzing,stateful", "--mode", "all"),
        *("--max-examples", str(max_examples), "--workers", "1", "--continue-on-failure"),
        *("--header", f"Authorization:Bearer {RECORDED_KEY}"),
        *(word for path in own_paths(contract) for word in ("--exclude-path", path)),
        *("--generation-unique-inputs", "--generation-database", "none", "--no-shrink"),
        *("--suppress-health-check", "all", "--no-color"),
    ]
    with tempfile.TemporaryDirectory() as empty:
        process = await asyncio.create_subprocess_exec(
            str(command),
            *arguments,
            cwd=empty,  # away from any schemathesis.toml that would change the requests
            env={**os.environ, "SCHEMATHESIS_HOOKS": ""},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        words, _ = await process.communicate()
    if process.returncode not in _RAN:
        raise BrokenInput(
            f"schemathesis could not generate from {contract} (exit {process.returncode}):\n"
            f"{words.decode('utf-8', 'replace')[-3000:]}"
        )
