"""The measurements of reliability; each prints its results."""

from __future__ import annotations

import asyncio
import math
import re
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count, cycle
from typing import Any, Final

import aiohttp
import psutil
from livekit import rtc

from fixtures.agents import sample_agent
from fixtures.caller import room_token
from fixtures.processes.logged_process import LoggedProcess
from load.reliability.rooms import RoomWatch
from load.reliability.testbed import Testbed
from load.services import OURS, Services

AGENT: Final = 700_001  # id of the registered agent
NUMBERS: Final = count(1)  # of rooms, for their names
REST: Final = 3.0  # seconds after calls, in which workers preload new processes


class Client:
    """A client of a target's HTTP API."""

    def __init__(self, services: Services) -> None:
        headers = {"Authorization": f"Bearer {services.api_key}"}
        self.http = aiohttp.ClientSession(services.api, headers=headers)

    async def register(self) -> None:
        """Register the sample agent receptionist with a high limit of sessions."""
        config = sample_agent("receptionist", maxConcurrentSessions=1000)
        body = {"agentId": AGENT, "tenantId": 1, "config": config}
        async with self.http.post("/api/agents/register", json=body) as response:
            response.raise_for_status()

    async def create(self, room: str) -> str | None:
        """Create a session and return its id, or None when the API refuses with 503."""
        body = {"agentId": AGENT, "tenantId": 1, "roomName": room}
        async with self.http.post("/api/sessions/create", json=body) as response:
            if response.status == 503:
                return None
            response.raise_for_status()
            created: dict[str, Any] = await response.json()
            return str(created["session"]["sessionId"])

    async def end(self, session_id: str) -> None:
        """End a session."""
        async with self.http.post(f"/api/sessions/{session_id}/end") as response:
            await response.read()

    async def session(self, session_id: str) -> dict[str, Any]:
        """The session's state, as the API returns it."""
        async with self.http.get(f"/api/sessions/{session_id}") as response:
            state: dict[str, Any] = await response.json()
            return state


@asynccontextmanager
async def client_of(services: Services) -> AsyncIterator[Client]:
    """Open a client and register the agent."""
    client = Client(services)
    try:
        await client.register()
        yield client
    finally:
        await client.http.close()


async def burst(testbed: Testbed, sizes: Sequence[int], rounds: int, within: float) -> None:
    """Create `sizes` sessions at once, on the targets in turn, and print how soon their agents joined."""
    for size in sizes:
        for number in range(rounds):
            names = list(testbed.targets)
            for name in names if number % 2 == 0 else reversed(names):
                print(await _burst(name, testbed.targets[name], size, within), flush=True)


async def _burst(name: str, services: Services, size: int, within: float) -> str:
    rooms = [f"burst-{next(NUMBERS)}" for _ in range(size)]
    async with client_of(services) as client, RoomWatch(services) as watch:

        async def create_and_wait(room: str) -> tuple[str | None, float | None]:
            """The session, and when its agent joined, even if other creates have no response yet."""
            session = await client.create(room)
            return session, None if session is None else await watch.agent_joined(room, within)

        began = time.monotonic()
        found = await asyncio.gather(*map(create_and_wait, rooms))
        sessions = [session for session, _ in found]
        agents = [len(await watch.agents(room)) for room in rooms]
        for session in filter(None, sessions):
            await client.end(session)
        await asyncio.gather(*(watch.close(room) for room in rooms))
    times = sorted(moment - began for _, moment in found if moment is not None)
    await asyncio.sleep(REST + size / 4)
    return (
        f"{name:5} {size:2} at once: {len(times)} with an agent, {sessions.count(None)} refused, "
        f"{size - len(times) - sessions.count(None)} silent; {_spread(times)}; "
        f"most agents in a room {max(agents)}"
    )


async def dispatch(testbed: Testbed, times: int, within: float) -> None:
    """Time from POST to the agent in the room, one session at a time, on the targets in turn."""
    found: dict[str, list[float]] = {name: [] for name in testbed.targets}
    for number in range(times + 1):
        for name, services in testbed.targets.items():
            room = f"dispatch-{next(NUMBERS)}"
            async with client_of(services) as client, RoomWatch(services) as watch:
                began = time.monotonic()
                session = await client.create(room)
                moment = None
                if session is not None:
                    moment = await watch.agent_joined(room, within)
                    await client.end(session)
                await watch.close(room)
            if moment is not None and number:  # processes are not warm yet for the first one
                found[name].append(moment - began)
            await asyncio.sleep(REST)
    for name, seconds in found.items():
        without = f"{times - len(seconds)} of {times} without an agent"
        print(f"{name:5} create to agent: {_spread(sorted(seconds))}; {without}")
    if all(found.values()):
        medians = [statistics.median(seconds) for seconds in found.values()]
        print(f"ratio of the medians: {medians[0] / medians[-1]:.2f}")


async def kill(testbed: Testbed, whom: str, times: int, within: float) -> None:
    """Kill -9 a `job` or a `worker`, and measure the time until another agent is with the caller."""
    services = testbed.targets[OURS]
    seconds: list[float] = []
    lost = 0
    other = testbed.stack.beside("second")
    await asyncio.to_thread(other.start_worker)
    try:
        for number in range(times):
            async with client_of(services) as client, RoomWatch(services) as watch:
                workers = [testbed.stack.worker, other.worker]
                taken = await _kill_one(client, watch, services, workers, whom, within)
            if taken is None:
                lost += 1
            else:
                seconds.append(taken)
            print(f"  {number + 1:3}: {'never' if taken is None else f'{taken:.2f} s'}", flush=True)
            for stack in (testbed.stack, other):
                if stack.worker is not None and stack.worker.returncode is not None:
                    await asyncio.to_thread(stack.start_worker)
            await asyncio.sleep(REST)
    finally:
        await asyncio.to_thread(other.stop)
    print(f"kill -9 of a {whom}: {_spread(sorted(seconds))}; {lost} of {times} lost")


async def _kill_one(
    client: Client,
    watch: RoomWatch,
    services: Services,
    workers: Sequence[LoggedProcess | None],
    whom: str,
    within: float,
) -> float | None:
    room_name = f"kill-{next(NUMBERS)}"
    room = rtc.Room()
    token = room_token(services.livekit_key, services.livekit_secret, room_name, "caller")
    await room.connect(services.livekit, token)
    session = await client.create(room_name)
    if session is None:
        raise RuntimeError("a create was refused although no other session runs")
    try:
        await watch.agent_joined(room_name, within)
        worker, pid = await asyncio.to_thread(_job_of, session, [w for w in workers if w])
        known = await watch.agents(room_name)
        began = time.monotonic()
        if whom == "worker":
            await asyncio.to_thread(worker.kill)
        else:
            psutil.Process(pid).kill()
        moment = await watch.agent_joined(room_name, within, excluding=known)
        return None if moment is None else moment - began
    finally:
        await client.end(session)
        await room.disconnect()


async def final(testbed: Testbed, times: int, at_once: int) -> None:
    """Kill -9 the jobs, their worker, or the jobs and the API after the callers left."""
    seconds: list[float] = []
    unended = without = 0
    victims = cycle(("jobs", "worker", "jobs and API"))
    async with client_of(testbed.targets[OURS]) as client:
        for start in range(0, times, at_once):
            victim = next(victims)
            size = min(at_once, times - start)
            times_taken = await _final_round(testbed, client, victim, size)
            unended += times_taken.count(None)
            without += size - len(times_taken)
            seconds += [one for one in times_taken if one is not None]
            print(f"  {start + size:3} {victim}: {_spread(sorted(seconds))}", flush=True)
    print(
        f"rows final after a kill: {_spread(sorted(seconds))}; {unended} of {times - without} never; "
        f"{without} without an agent are left out"
    )


async def _final_round(
    testbed: Testbed, client: Client, victim: str, size: int
) -> list[float | None]:
    """Seconds until the rows are final, or None, of the sessions that had an agent to kill.

    Leaves out sessions that were refused or got no agent.
    """
    worker = testbed.stack.worker
    if worker is None:
        raise RuntimeError("the testbed has no worker")
    rooms = [f"final-{next(NUMBERS)}" for _ in range(size)]
    async with RoomWatch(testbed.targets[OURS]) as watch:
        answers = await asyncio.gather(*map(client.create, rooms))
        rooms = [room for room, session in zip(rooms, answers, strict=True) if session]
        created = [session for session in answers if session]
        joined = await asyncio.gather(*(watch.agent_joined(room, 60) for room in rooms))
        sessions = []
        for session, moment in zip(created, joined, strict=True):
            if moment is None:
                await client.end(session)
            else:
                sessions.append(session)
        jobs = [await asyncio.to_thread(_job_of, session, [worker]) for session in sessions]
    if victim == "worker":
        await asyncio.to_thread(worker.kill)
    else:
        for _, pid in jobs:
            psutil.Process(pid).kill()
    began = time.monotonic()
    if victim == "jobs and API" and testbed.stack.api is not None:
        await asyncio.to_thread(testbed.stack.api.kill)
        await asyncio.to_thread(testbed.stack.start_api)
    ended = await asyncio.gather(*(_final(client, session, 40) for session in sessions))
    if victim == "worker":
        await asyncio.to_thread(testbed.stack.start_worker)
    return [None if moment is None else moment - began for moment in ended]


async def _final(client: Client, session: str, within: float) -> float | None:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if (await client.session(session))["status"] in ("ended", "error"):
            return time.monotonic()
        await asyncio.sleep(0.2)
    return None


def _job_of(session: str, workers: Sequence[LoggedProcess]) -> tuple[LoggedProcess, int]:
    """The worker that runs the session and the job's process id, from the workers' logs."""
    pattern = re.compile(rf"(?=.*agent is in the room)(?=.*{re.escape(session)}).*\"pid\":(\d+)")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for worker in workers:
            for line in reversed(worker.lines()):
                if found := pattern.search(line):
                    return worker, int(found[1])
        time.sleep(0.02)
    raise RuntimeError(f"no worker has logged session {session}")


def _spread(seconds: Sequence[float]) -> str:
    if not seconds:
        return "none"
    p95 = seconds[math.ceil(0.95 * len(seconds)) - 1]
    return (
        f"p50 {statistics.median(seconds):.2f} s, p95 {p95:.2f} s, "
        f"{seconds[0]:.2f} to {seconds[-1]:.2f} s of {len(seconds)}"
    )
