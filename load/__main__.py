"""`python -m load` runs a load test; `compare` compares two, `report` reports a run that was killed."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from fixtures.processes.logged_process import ProcessEndedError
from fixtures.servers import ServerUnavailableError
from load.command import locust_arguments, new_folder, run_parser
from load.exit_codes import UNUSABLE
from load.report.compare import caveats, compare, table
from load.report.results import read_results
from load.report.thresholds import read_thresholds
from load.runs.alternate import alternate
from load.runs.local_services import local_services
from load.runs.locust_process import report, run_locust
from load.scenario import Scenario, read_scenario
from load.services import OURS, Services, ServiceUnavailable, check, register
from load.targets.running import TARGETS
from load.yaml_file import FileError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["compare"]:
        return _compare(arguments[1:])
    if arguments[:1] == ["report"]:
        return _report(arguments[1:])
    own, for_locust = _split(arguments)
    parser = run_parser()
    given = parser.parse_args(own)
    # As with Ctrl-C, the exception stops every process that was started here.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        scenario = read_scenario(given.scenario)
        if given.thresholds:
            read_thresholds(Path(given.thresholds))
        return _run(given, scenario, for_locust, parser)
    except (FileError, ServiceUnavailable, ServerUnavailableError, ProcessEndedError) as error:
        print(f"load: {error}", file=sys.stderr)
        return UNUSABLE
    except OSError as error:
        print(f"load: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        return UNUSABLE


def _run(
    given: argparse.Namespace,
    scenario: Scenario,
    for_locust: list[str],
    parser: argparse.ArgumentParser,
) -> int:
    folder: Path = (given.reports or new_folder()).resolve()
    with ExitStack() as stack:
        if given.api is None:
            print("load: starting LiveKit, stand-ins, API and worker ...", file=sys.stderr)
            services = stack.enter_context(local_services(folder / "logs"))
        else:
            services = _services_given(given, parser)
        asyncio.run(check(services))
        if given.api is None or given.register:
            asyncio.run(register(services, given.agent_id, scenario.agent))
        all_services = {OURS: services}
        others = [name for name in given.target if name != OURS]
        if others and given.api is not None:
            parser.error("--target starts its own servers and cannot be used with --api")
        for name in others:
            all_services[name] = stack.enter_context(TARGETS[name](services, folder / "logs"))

        stopped = threading.Event()

        def run_one(target: str, where: Path) -> int:
            arguments = locust_arguments(given, where, target, for_locust)
            return run_locust(arguments, all_services[target], where, stopped)

        if len(given.target) > 1:
            return alternate(given.target, given.rounds, folder, run_one, stopped)
        return run_one(given.target[0], folder)


def _services_given(given: argparse.Namespace, parser: argparse.ArgumentParser) -> Services:
    for option in ("livekit", "livekit_key", "livekit_secret"):
        if not getattr(given, option):
            parser.error(f"--api needs --{option.replace('_', '-')} too")
    return Services(
        api=given.api.rstrip("/"),
        api_key=given.key,
        livekit=given.livekit,
        livekit_key=given.livekit_key,
        livekit_secret=given.livekit_secret,
        database=given.database,
        stand_ins=given.stand_ins,
    )


def _compare(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m load compare")
    parser.add_argument("first", type=Path, help="results.json of A")
    parser.add_argument("second", type=Path, help="results.json of B")
    given = parser.parse_args(arguments)
    read = []
    for path in (given.first, given.second):
        try:
            read.append(read_results(path))
        except (OSError, ValueError) as error:
            print(f"load: {path} is not a results file: {error}", file=sys.stderr)
            return UNUSABLE
    print(table(compare(*read)))
    for path, results in zip((given.first, given.second), read, strict=True):
        for caveat in caveats(str(path), results):
            print(caveat)
    return 0


def _report(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m load report")
    parser.add_argument("folder", type=Path, help="folder of a run that contains its journal")
    return report(parser.parse_args(arguments).folder)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Our own arguments, and those after `--`, which are for Locust."""
    if "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


if __name__ == "__main__":
    sys.exit(main())
