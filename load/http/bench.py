"""The order of a measurement: cold starts, a warm-up, rounds that alternate, memory."""

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
NO_LIMIT: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; `seconds` is one run of one scenario, as `warm_up` is once before."""

    rounds: int = 5
    seconds: int = 10
    warm_up: int = 3
    connections: int = 32
    agents: int = 100
    cold_starts: int = 5


@dataclass(frozen=True, slots=True)
class Contender:
    """A service that runs, its database, and the ids of what requests ask it for."""

    service: Service
    stored: Stored
    ids: dict[Scenario, list[str]]
    result: Result


def measure(plan: Plan, say: Callable[[str], None]) -> list[Result]:
    """Run the whole benchmark; `say` is told how it goes.

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

        say(f"{plan.cold_starts} cold starts each")
        for _ in range(plan.cold_starts):
            for result, stored in zip(results, databases, strict=True):
                with service(result, stored) as started:
                    result.cold_starts.append(started.cold_start)

        contenders = [
            _contender(stack.enter_context(service(result, stored)), stored, result, plan)
            for result, stored in zip(results, databases, strict=True)
        ]
        _run_all(contenders, rooms, plan, say)
        for each in contenders:
            each.result.memory = each.service.memory()
    return results


def _contender(service: Service, stored: Stored, result: Result, plan: Plan) -> Contender:
    """Register the agents, and create one session of each for GETs."""
    config = json.loads(SAMPLE_AGENT.read_text()) | {"maxConcurrentSessions": NO_LIMIT}
    agents = range(1, plan.agents + 1)
    sessions = []
    for agent in agents:
        whose = {"agentId": agent, "tenantId": 1}
        service.ask("POST", "/api/agents/register", {**whose, "config": config})
        created = service.ask("POST", "/api/sessions/create", {**whose, "roomName": f"get-{agent}"})
        sessions.append(created["session"]["sessionId"])
        service.ask("GET", f"/api/sessions/{sessions[-1]}")
    ids = {Scenario.GET: sessions, Scenario.CREATE: list(map(str, agents))}
    return Contender(service, stored, ids, result)


def _run_all(
    contenders: list[Contender], rooms: LiveKitRecorder, plan: Plan, say: Callable[[str], None]
) -> None:
    say(f"warm-up, {plan.warm_up} s each")
    for scenario in Scenario:
        for contender in contenders:
            _run(contender, scenario, rooms, plan, plan.warm_up)
    for number in range(plan.rounds):
        for scenario in Scenario:
            for contender in _rotated(contenders, number):
                run = _run(contender, scenario, rooms, plan, plan.seconds)
                contender.result.runs[scenario].append(run)
                say(
                    f"round {number + 1}/{plan.rounds}  {scenario:<6}  "
                    f"{contender.result.variant.name:<30}  {run}"
                )


def _rotated(contenders: list[Contender], by: int) -> Iterator[Contender]:
    """Another one is first in each round."""
    return (contenders[(by + place) % len(contenders)] for place in range(len(contenders)))


def _run(
    contender: Contender, scenario: Scenario, rooms: LiveKitRecorder, plan: Plan, seconds: int
) -> Run:
    """One run, checked: each accepted create is one row and one dispatch."""
    rooms.taken()
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
    left = {"rows": contender.stored.created(), "dispatches": rooms.taken()}
    contender.stored.forget()
    return Run.checked(answers, left)
