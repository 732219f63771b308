"""The order of the benchmark: cold starts, a warm-up, alternating rounds, memory."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fixtures.servers import postgres_server
from load.http.results import Result, Run
from load.http.service import Service
from load.http.stored import Stored
from load.http.variants import ROOM_PREFIX, ROOT, VARIANTS
from load.http.wrk import Scenario, find_wrk, run_wrk
from load.livekit_recorder.process import LiveKitRecorder

SAMPLE_AGENT: Final = ROOT / "fixtures/agents/receptionist.json"
NO_LIMIT: Final = 1_000_000_000  # concurrent sessions of an agent: more than any run creates


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure. `seconds` is the length of a run, `warm_up` of the one before the rounds."""

    rounds: int = 5
    seconds: int = 10
    warm_up: int = 3
    connections: int = 32
    agents: int = 100
    cold_starts: int = 5


@dataclass(frozen=True, slots=True)
class Contender:
    """A running service, its database, and the ids that requests use."""

    service: Service
    stored: Stored
    ids: dict[Scenario, list[str]]
    result: Result


def measure(plan: Plan, log: Callable[[str], None]) -> list[Result]:
    """Run the whole benchmark; calls `log` with each line of progress.

    Raises WrkError, ServerUnavailableError or ServiceError.
    """
    find_wrk()
    results = [Result(variant) for variant in VARIANTS]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="load-http-")))
        postgres = stack.enter_context(postgres_server())
        rooms = stack.enter_context(LiveKitRecorder(folder))
        databases = [Stored.fresh(each.variant, postgres, folder, stack) for each in results]

        def service(result: Result, stored: Stored) -> Service:
            environ = {**rooms.environ, "DATABASE_URL": stored.url}
            return Service(result.variant, environ, folder)

        log(f"{plan.cold_starts} cold starts each")
        for _ in range(plan.cold_starts):
            for result, stored in zip(results, databases, strict=True):
                with service(result, stored) as started:
                    result.cold_starts.append(started.cold_start)

        contenders = [
            _contender(stack.enter_context(service(result, stored)), stored, result, plan)
            for result, stored in zip(results, databases, strict=True)
        ]
        _run_all(contenders, rooms, plan, log)
        for each in contenders:
            each.result.memory = each.service.memory()
    return results


def _contender(service: Service, stored: Stored, result: Result, plan: Plan) -> Contender:
    """Register the agents, and create a session of each for the GETs."""
    config = json.loads(SAMPLE_AGENT.read_text()) | {"maxConcurrentSessions": NO_LIMIT}
    agents = range(1, plan.agents + 1)
    sessions = []
    for agent in agents:
        owner = {"agentId": agent, "tenantId": 1}
        service.request("POST", "/api/agents/register", {**owner, "config": config})
        created = service.request(
            "POST", "/api/sessions/create", {**owner, "roomName": f"get-{agent}"}
        )
        sessions.append(created["session"]["sessionId"])
        service.request("GET", f"/api/sessions/{sessions[-1]}")
    ids = {Scenario.GET: sessions, Scenario.CREATE: list(map(str, agents))}
    return Contender(service, stored, ids, result)


def _run_all(
    contenders: list[Contender], rooms: LiveKitRecorder, plan: Plan, log: Callable[[str], None]
) -> None:
    log(f"warm-up, {plan.warm_up} s each")
    for scenario in Scenario:
        for contender in contenders:
            _run(contender, scenario, rooms, plan, plan.warm_up)
    for number in range(plan.rounds):
        for scenario in Scenario:
            for contender in _rotated(contenders, number):
                run = _run(contender, scenario, rooms, plan, plan.seconds)
                contender.result.runs[scenario].append(run)
                log(
                    f"round {number + 1}/{plan.rounds}  {scenario:<6}  "
                    f"{contender.result.variant.name:<30}  {run}"
                )


def _rotated(contenders: list[Contender], by: int) -> Iterator[Contender]:
    """The contenders, starting with another one in each round."""
    return (contenders[(by + place) % len(contenders)] for place in range(len(contenders)))


def _run(
    contender: Contender, scenario: Scenario, rooms: LiveKitRecorder, plan: Plan, seconds: int
) -> Run:
    """One run, checked: each accepted create must leave one row and one dispatch."""
    rooms.take_launched()
    prefix = [f"{ROOM_PREFIX}{secrets.token_hex(4)}-"] if scenario is Scenario.CREATE else []
    answers = run_wrk(
        contender.service.target,
        scenario,
        [*prefix, *contender.ids[scenario]],
        connections=plan.connections,
        seconds=seconds,
    )
    if scenario is Scenario.GET:
        return Run.checked(answers, {})
    left = {"rows": contender.stored.count_created(), "dispatches": rooms.take_launched()}
    contender.stored.delete_created()
    return Run.checked(answers, left)
