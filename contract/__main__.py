"""`python -m contract`: the parity gate's command line."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
import traceback
from collections.abc import Callable

from contract.agent_api.services.coverage import SOURCE
from contract.agent_api.services.services import ManagedOld
from contract.corpus.frozen import FROZEN
from contract.errors import Inconclusive
from contract.options import Options, read
from contract.record.recording import record
from contract.report import junit, page, verdict
from contract.report.explain import explain
from contract.run import Gate

INCONCLUSIVE = verdict.Judgement.INCONCLUSIVE.exit_code


def main() -> int:
    """Run a command; 0 parity, 1 divergence, 2 anything that proves nothing."""
    options = read(sys.argv[1:])
    # Stopped from outside, it still stops what it started and writes what it found.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        if options.command == "explain":
            print(explain(options.finding or "", options.report))
            return 0
        if options.command == "record":
            asyncio.run(_record(options, _clock()))
            return 0
        return _gate(options, _clock())
    except Inconclusive as error:
        print(f"Inconclusive: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("Inconclusive: interrupted", file=sys.stderr)
    except Exception:
        traceback.print_exc()
        print("Inconclusive: the gate itself failed, see above", file=sys.stderr)
    return INCONCLUSIVE


def _gate(options: Options, say: Callable[[str], None]) -> int:
    gate = Gate(options, say)
    try:
        asyncio.run(gate.run())
    except BaseException as error:
        gate.report.failures.append(f"the gate was stopped by {type(error).__name__}: {error}")
        raise
    finally:
        verdict.write(gate.report, options.report)
        junit.write(gate.report, options.report)
        page.write(gate.report, gate.material, options.report)
    for side, cluster in gate.report.clusters:
        print(f"  {cluster.fingerprint} {side.name} {cluster.title}: {len(cluster.findings)}")
    for fault in gate.report.faults:
        print(f"  ledger: {fault.entry} {fault.problem}: {fault.detail}")
    print(gate.report.sentence)
    if gate.report.coverage is not None:
        print(f"reached of {SOURCE}: {gate.report.coverage:.1f} % of lines and branches")
    print(f"report: {options.report / 'index.html'}")
    return gate.report.judgement.exit_code


async def _record(options: Options, say: Callable[[str], None]) -> None:
    service = ManagedOld("old")
    target = await service.start()
    seeds = range(options.seed, options.seed + 4)
    try:
        await record(
            target,
            options.contract.resolve(),
            seeds=seeds,
            max_examples=20,
            most_generated=900,
            folder=FROZEN,
            say=say,
        )
    finally:
        await service.stop()


def _clock() -> Callable[[str], None]:
    """Prints what goes on, with the seconds since the start."""
    start = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - start:6.1f} s  {text}", flush=True)

    return say


if __name__ == "__main__":
    sys.exit(main())
