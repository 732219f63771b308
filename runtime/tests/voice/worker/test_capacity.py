"""How many calls a machine with two CPUs carries, by the pressure that its calls have caused."""

from __future__ import annotations

import itertools

import pytest

from agent_runtime.voice.worker.capacity import Capacity

# Pressure in percent, second by second, of five calls with their callers on two CPUs, as measured: callers
# who speak and think at the same time, at first seldom and then often.
FIVE = (32, 33, 35, 32, 30, 30, 36, 40, 41, 40, 39, 41, 47, 53, 54, 48, 44, 41, 42, 48)
# The same while calls end and others begin: the number of calls, and the pressure.
TURNOVER = (
    (4, 54),
    (3, 50),
    (3, 45),
    (4, 43),
    (3, 42),
    (3, 41),
    (4, 40),
    (3, 35),
    (3, 36),
    (4, 40),
)


class Machine:
    """A machine whose pressure is read once a second, with calls that begin and end as the test says."""

    def __init__(self, max_cpu: float = 45, calls: int = 0) -> None:
        self.capacity = Capacity(max_cpu, cpus=2)
        self._ids = itertools.count()
        self._now = 1000.0
        self._since: dict[str, float] = {}
        self.have(calls)

    def have(self, calls: int) -> None:
        """Begin calls, or end the oldest, until there are `calls`."""
        while len(self._since) > calls:
            del self._since[next(iter(self._since))]
        while len(self._since) < calls:
            self._since[f"call-{next(self._ids)}"] = self._now + 0.5

    def read(self, *pressure: float) -> int | None:
        """Read each pressure for a second; returns the free calls after the last."""
        for cpu in pressure:
            self._now += 1
            self.capacity.observe(cpu, self._since, self._now)
        return self.capacity.free_calls


def test_five_talking_calls_leave_no_sixth_and_still_fit_when_one_is_replaced() -> None:
    """The mean of a minute decides, not the pressure of a moment, which is from 30 to 54 percent."""
    machine = Machine(calls=5)
    machine.read(*FIVE)
    for cpu in FIVE * 10:
        assert machine.read(cpu) == 0
    machine.have(4)
    assert machine.read(50) == 1


def test_calls_that_end_and_begin_all_the_time_leave_the_capacity_unchanged() -> None:
    """Each end and start causes pressure for a short time, which does not reduce the number of calls."""
    machine = Machine(calls=5)
    for _ in range(3):
        assert machine.read(*FIVE) == 0
        for calls, cpu in TURNOVER:
            machine.have(calls)
            assert machine.read(cpu) == 5 - calls
        machine.have(5)


def test_the_pressure_of_starts_and_ends_is_not_attributed_to_other_work() -> None:
    """When two calls end and two begin every four seconds for a minute, five calls still fit."""
    machine = Machine(calls=5)
    machine.read(*FIVE)
    for _ in range(15):
        machine.have(3)
        assert machine.read(62) == 2
        machine.have(5)
        assert machine.read(62, 62, 62) == 0


def test_calls_that_arrive_at_once_are_accepted_at_once_as_far_as_they_fit() -> None:
    """Starts are not spread over time: a waiting caller hears nothing, and it saves the others little."""
    machine = Machine(calls=1)
    machine.read(*[9] * 20)
    assert machine.read(9) == 4
    machine.have(5)
    assert machine.read(60) == 0
    machine.have(0)
    assert machine.read(10) == 5


@pytest.mark.parametrize(
    ("calls", "cpu", "free"),
    [(1, 8, 5), (2, 20, 3), (4, 38, 1), (4, 48, 0), (4, 60, 0), (2, 0, 13)],
)
def test_the_cost_of_a_call_decides_how_many_fit(calls: int, cpu: float, free: int) -> None:
    """After a minute at this pressure, so many further calls fit under a limit of 50 percent."""
    assert Machine(50, calls).read(*[cpu] * 61) == free


def test_callers_who_think_at_the_same_time_free_no_call() -> None:
    """Some seconds of low pressure do not count: the next call would stay for longer."""
    machine = Machine(calls=5)
    machine.read(*[42] * 60)
    for cpu in (20, 12, 12, 20):
        assert machine.read(cpu) == 0


def test_other_work_on_the_machine_is_not_attributed_to_calls() -> None:
    """Other work leaves less for calls while it lasts, and is forgotten afterwards."""
    machine = Machine(50, calls=4)
    machine.read(*[20] * 300)  # five percent each
    machine.have(3)
    before = machine.read(20)
    assert before is not None
    assert before >= 5
    assert machine.read(49) == before  # for a moment
    assert machine.read(*[49] * 60) == 1  # 34 percent for good
    later = machine.read(*[15] * 120)
    assert later is not None
    assert later >= before - 1


def test_a_low_cost_is_learned_while_other_calls_begin() -> None:
    """Calls may begin all the time: a pressure below the learned cost is evidence all the same."""
    machine = Machine(50, calls=4)
    machine.read(8)
    for calls in range(5, 65):
        machine.have(min(calls, 9))
        free = machine.read(8)
    assert free is not None
    assert free > 0


@pytest.mark.parametrize(("calls", "free"), [(0, 3), (2, 3), (3, 2)])
def test_before_anything_is_learned_the_guess_decides(calls: int, free: int) -> None:
    """The guess, nine percent a call on two CPUs, counts once a call has begun or the machine is busy."""
    machine = Machine(calls=calls)
    machine.read(23)
    assert machine.read(23) == free


def test_an_idle_machine_takes_a_burst_to_its_end() -> None:
    """Nobody talks who would suffer, and those who come together wait for each other."""
    machine = Machine()
    assert machine.read(2, 2) is None
    machine.have(4)
    assert machine.read(40) is None
    assert machine.capacity.in_burst
    machine.have(10)
    assert machine.read(90) is None
    assert machine.read(90) == 0


def test_fewer_calls_than_cpus_leave_one_for_the_next() -> None:
    """With fewer calls than CPUs one call is accepted under any pressure of other work."""
    machine = Machine(calls=1)
    assert machine.read(*[60] * 60) == 1
    machine.have(2)
    assert machine.read(60) == 0


def test_a_limit_of_100_sets_none() -> None:
    """With 100 percent as its limit a machine has no limit of calls."""
    machine = Machine(100, calls=2)
    assert machine.read(100, 100) is None
    assert machine.capacity.max_pressure_now == 100
