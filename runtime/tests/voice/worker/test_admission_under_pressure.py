"""How many calls a worker accepts by the pressure on its machine, and which of them it promised."""

from __future__ import annotations

from typing import cast

import pytest

from agent_runtime.domain.errors import SessionHeld
from agent_runtime.domain.ports.sessions import LeaseStore
from agent_runtime.voice.machine.pressure import Pressure
from agent_runtime.voice.worker.admission import Admission

from .offers import METADATA, Clock, Leases, Offer, Server, new_server


@pytest.fixture
def server() -> Server:
    """A server without calls."""
    return new_server()


async def with_calls(server: Server, calls: int, max_cpu: float) -> Admission:
    """Return a worker for ten calls on two CPUs that has `calls` of them."""
    admission = Admission(server, "worker-one", 10, max_cpu, cpus=2, clock=Clock())
    for _ in range(calls):
        await admission.answer(Offer("a", METADATA).request)
    return admission


def read(admission: Admission, *pressure: float) -> None:
    """Feed readings of CPU pressure, one second apart."""
    for cpu in pressure:
        cast("Clock", admission._clock).now += 1
        admission.update(Pressure(cpu=cpu, memory=0.5, lag=0))


async def settled(server: Server, calls: int) -> Admission:
    """Return one whose calls have talked for a minute at ten percent each, more than the guess."""
    admission = await with_calls(server, calls, max_cpu=50)
    read(admission, 99, *[10 * calls] * 60)
    return admission


async def accepted_of_eight(admission: Admission) -> int:
    """Return how many of eight offers that arrive at once are accepted."""
    offers = [Offer("a", METADATA) for _ in range(8)]
    for offer in offers:
        await admission.answer(offer.request)
    return sum(offer.answer is not False for offer in offers)


async def test_a_worker_without_calls_accepts_one_under_pressure(server: Server) -> None:
    """It hurts no caller, and a machine is busy while its worker starts."""
    admission = await with_calls(server, 0, max_cpu=50)
    read(admission, 99)
    assert admission.free_calls == 1


async def test_only_as_many_calls_are_accepted_as_fit(server: Server) -> None:
    """Offers that arrive at once are counted at once: their pressure shows only seconds later."""
    admission = await settled(server, 2)
    assert admission.free_calls == 3
    assert await accepted_of_eight(admission) == 3
    assert admission.free_calls == 0


async def test_one_reported_call_is_kept_until_the_next_reading(server: Server) -> None:
    """A create was answered by it. Only one is kept, since the present callers would hear the others."""
    for readings, accepted in ((1, 1), (2, 0)):
        admission = await settled(server, 2)
        assert admission.free_calls == 3
        read(admission, *[99] * readings)
        assert admission.free_calls == 0  # it is not reported again
        assert await accepted_of_eight(admission) == accepted


@pytest.mark.parametrize("way", ["offered", "direct"])
async def test_a_session_that_another_holds_uses_no_free_call(server: Server, way: str) -> None:
    """LiveKit offers all sessions, including those that a direct dispatch has claimed by then."""
    admission = await settled(server, 2)
    admission.claims.leases = cast("LeaseStore", Leases(SessionHeld("abc")))

    async def arrive() -> None:
        if way == "offered":
            await admission.answer(Offer("a", METADATA).request)
        else:
            assert await admission.claim_directly("a", METADATA) is None

    assert admission.free_calls == 3
    for _ in range(4):
        await arrive()
    assert admission.free_calls == 3
    read(admission, 99)
    await arrive()  # it does not use the promised call either
    admission.claims.leases = cast("LeaseStore", Leases())
    assert await admission.claim_directly("a", METADATA) is not None
    assert await admission.claim_directly("a", METADATA) is None


async def test_the_cost_of_a_call_is_remembered_after_the_calls(server: Server) -> None:
    """The next burst, after the calls, is accepted as far as it fits; one call is accepted in any case."""
    admission = await settled(server, 4)
    admission.jobs.current.clear()
    read(admission, *[80] * 20)  # other work for a while
    assert admission.free_calls == 1
    read(admission, *[0] * 60)
    assert admission.free_calls == 5
    for accepted in (5, 0):
        read(admission, 10)  # in which the calls just accepted do not show yet
        assert await accepted_of_eight(admission) == accepted


@pytest.mark.parametrize(
    ("calls", "cpu", "accepted"),
    [(0, 5, 8), (1, 5, 8), (0, 30, 2), (1, 30, 3), (3, 80, 0), (4, 90, 6)],
)
async def test_before_anything_is_learned_the_guess_decides(
    server: Server, calls: int, cpu: float, accepted: int
) -> None:
    """The guess is nine percent a call on two CPUs; an idle machine accepts a burst to its end."""
    admission = await with_calls(server, calls, max_cpu=50)
    for _ in range(2):  # after the first reading one call may still be promised
        admission.update(Pressure(cpu=cpu, memory=0.5, lag=0))
    assert await accepted_of_eight(admission) == accepted


async def test_the_pressure_of_a_worker_s_own_start_is_ignored(server: Server) -> None:
    """A start loads models for seconds; the first callers need not wait until the mean forgets it."""
    admission = await with_calls(server, 0, max_cpu=45)
    admission.starting = True
    read(admission, *[90] * 20)
    admission.starting = False
    read(admission, 10)
    for _ in range(2):
        await admission.answer(Offer("a", METADATA).request)
    read(admission, 20, 20)
    assert admission.free_calls == 3


async def test_a_limit_of_100_ignores_cpu_pressure(server: Server) -> None:
    """With 100 percent as its limit a worker accepts calls under any CPU pressure."""
    admission = await with_calls(server, 2, max_cpu=100)
    admission.update(Pressure(cpu=100, memory=0.5, lag=0))
    assert admission.free_calls == 8


async def test_no_call_is_accepted_under_pressure_or_while_draining(server: Server) -> None:
    """CPU pressure, missing memory, a late event loop and draining each refuse calls, with the reason."""
    admission = await with_calls(server, 1, max_cpu=60)
    assert admission.free_calls == 9
    for _ in range(2):
        admission.update(Pressure(cpu=91, memory=0.5, lag=0))
    assert "wait for a CPU 91 %" in str(admission.refusal_reason)
    admission.update(Pressure(cpu=10, memory=0.01, lag=0))
    assert "memory" in str(admission.refusal_reason)
    admission.update(Pressure(cpu=10, memory=0.5, lag=2))
    assert "event loop" in str(admission.refusal_reason)
    admission.update(Pressure(cpu=None, memory=None, lag=0))
    assert admission.refusal_reason is None
    admission.draining = True
    assert (admission.free_calls, admission.refusal_reason) == (0, "the worker is shutting down")
