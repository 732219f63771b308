"""`python -m contract`: the command line of the parity gate."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from contract.api.api import Api
from contract.corpus import frozen
from contract.errors import BrokenInput, Inconclusive
from contract.options import Options, read
from contract.record.recording import Amount, record
from contract.report import junit, page, verdict
from contract.report.explain import explain
from contract.run import Run
from contract.targets.http_target import HttpTarget
from contract.testbed.external import external_old

INCONCLUSIVE = verdict.Verdict.INCONCLUSIVE.exit_code


def main() -> int:
    """Run a command; 0 parity, 1 divergence, 2 anything that proves nothing."""
    # A stopped gate still stops its services and writes its results.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        options = read(sys.argv[1:])
        if options.command == "explain":
            print(explain(options.finding or "", options.report))
            return 0
        if options.command == "record":
            asyncio.run(_record(options, _clock()))
            return 0
        return _run(options, _clock())
    except Inconclusive as error:
        print(f"Inconclusive: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("Inconclusive: interrupted", file=sys.stderr)
    except Exception:
        traceback.print_exc()
        print("Inconclusive: the gate itself failed, see above", file=sys.stderr)
    return INCONCLUSIVE


def _run(options: Options, log: Callable[[str], None]) -> int:
    run = Run(options, log)
    report = run.report
    try:
        asyncio.run(run.run())
    except BaseException as error:
        report.failures.append(f"{type(error).__name__} stopped the gate: {error}")
        raise
    finally:
        _write(run, options)
    for side, cluster in report.clusters:
        print(f"  {cluster.fingerprint} {side.name} {cluster.title}: {len(cluster.findings)}")
    for fault in report.faults:
        print(f"  ledger: {fault.entry} {fault.problem}: {fault.detail}")
    print(report.sentence)
    if report.coverage is not None and report.coverage.percent is not None:
        percent, source = report.coverage.percent, report.coverage.source
        print(f"coverage of {source}: {percent:.1f} % of lines and branches")
    print(f"report: {options.report / 'index.html'}")
    return report.verdict.exit_code


def _write(run: Run, options: Options) -> None:
    """Write all results; one that fails costs itself only."""
    report, folder = run.report, options.report
    verdict.write(report, folder)
    writers: dict[str, Callable[[], None]] = {
        "junit.xml": lambda: junit.write(report, folder),
        "index.html": lambda: page.write(report, run.material, folder),
    }
    for name, write in writers.items():
        try:
            write()
        except Exception:
            traceback.print_exc()
            print(f"{name} could not be written, see above", file=sys.stderr)


async def _record(options: Options, log: Callable[[str], None]) -> None:
    api = Api.load(options.profile, options.contract)
    folder = options.profile.files.corpus
    seeds = range(options.seed, options.seed + 4) if options.generate else range(0)
    kept = [] if options.generate else frozen.of_source(frozen.load(folder), "generated")
    async with _old_service(options) as target:
        await record(target, api, options.contract.resolve(), Amount(seeds), folder, log, kept)


@asynccontextmanager
async def _old_service(options: Options) -> AsyncIterator[HttpTarget]:
    services = options.profile.services
    if options.external is not None:
        yield external_old(options.external)
    elif services is None:
        raise BrokenInput(f"the profile of {options.profile.name} starts no services: pass --old")
    else:
        async with services.old(options.profile) as target:
            yield target


def _clock() -> Callable[[str], None]:
    """Prints progress with the seconds since the start."""
    start = time.monotonic()

    def log(text: str) -> None:
        print(f"{time.monotonic() - start:6.1f} s  {text}", flush=True)

    return log


if __name__ == "__main__":
    sys.exit(main())
