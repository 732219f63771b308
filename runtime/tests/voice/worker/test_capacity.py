"""How many calls a machine with two CPUs takes, by what its calls have made of pressure."""

from __future__ import annotations

import itertools

import pytest

from agent_runtime.voice.worker.capacity import Capacity

# Percent of pressure, second by second, of five calls with their callers on two CPUs, as it was measured:
# callers who speak and think at the same time, at first seldom and then often.
FIVE = (32, 33, 35, 32, 30, 30, 36, 40, 41, 40, 39, 41, 47, 53, 54, 48, 44, 41, 42, 48)
# And while they end and others begin: how many there are, and the pressure.
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
    """Sees its pressure once a second; calls begin and end as the test says."""

    def __init__(self, most_cpu: float = 45, calls: int = 0) -> None:
        self.capacity = Capacity(most_cpu, cpus=2)
        self._ids = itertools.count()
        self._now = 1000.0
        self._since: dict[str, float] = {}
        self.have(calls)

    def have(self, calls: int) -> None:
        """Begin calls or end the oldest until there are so many."""
        while len(self._since) > calls:
            del self._since[next(iter(self._since))]
        while len(self._since) < calls:
            self._since[f"call-{next(self._ids)}"] = self._now + 0.5

    def see(self, *pressure: float) -> int | None:
        """The room after the last of these seconds."""
        for cpu in pressure:
            self._now += 1
            self.capacity.look(cpu, self._since, self._now)
        return self.capacity.room


def test_five_talking_calls_have_no_place_for_a_sixth_and_keep_that_of_a_fifth() -> None:
    """The pressure of a moment, 30 to 54 percent, tells neither; the mean of a minute does."""
    machine = Machine(calls=5)
    machine.see(*FIVE)
    for cpu in FIVE * 10:
        assert machine.see(cpu) == 0
    machine.have(4)
    assert machine.see(50) == 1


def test_calls_that_end_and_begin_all_the_time_keep_their_places() -> None:
    """Each end and each start makes pressure, for less time than a call lasts."""
    machine = Machine(calls=5)
    for _ in range(3):
        assert machine.see(*FIVE) == 0
        for calls, cpu in TURNOVER:
            machine.have(calls)
            assert machine.see(cpu) == 5 - calls
        machine.have(5)


def test_what_starts_and_ends_take_is_not_taken_for_something_else() -> None:
    """Two calls end, and two begin, every four seconds for a minute."""
    machine = Machine(calls=5)
    machine.see(*FIVE)
    for _ in range(15):
        machine.have(3)
        assert machine.see(62) == 2
        machine.have(5)
        assert machine.see(62, 62, 62) == 0


def test_those_who_come_at_once_are_taken_at_once_as_far_as_they_fit() -> None:
    """A caller who waits for the start of another hears nothing, and it saves those who talk little."""
    machine = Machine(calls=1)
    machine.see(*[9] * 20)
    assert machine.see(9) == 4
    machine.have(5)
    assert machine.see(60) == 0
    machine.have(0)
    assert machine.see(10) == 5


@pytest.mark.parametrize(
    ("calls", "cpu", "room"),
    [(1, 8, 5), (2, 20, 3), (4, 38, 1), (4, 48, 0), (4, 60, 0), (2, 0, 13)],
)
def test_what_a_call_takes_decides_what_fits(calls: int, cpu: float, room: int) -> None:
    """Seen for a minute, on a machine that bears 50 percent."""
    assert Machine(50, calls).see(*[cpu] * 61) == room


def test_callers_who_think_at_the_same_time_make_no_place() -> None:
    """For some seconds their calls take next to nothing; the next call would stay for longer."""
    machine = Machine(calls=5)
    machine.see(*[42] * 60)
    for cpu in (20, 12, 12, 20):
        assert machine.see(cpu) == 0


def test_what_else_the_machine_does_is_not_taken_for_a_call() -> None:
    """It leaves less for calls while it lasts, and nothing of it is remembered."""
    machine = Machine(50, calls=4)
    machine.see(*[20] * 300)  # five percent each
    machine.have(3)
    before = machine.see(20)
    assert before is not None
    assert before >= 5
    assert machine.see(49) == before  # for a moment
    assert machine.see(*[49] * 60) == 1  # 34 percent for good
    later = machine.see(*[15] * 120)
    assert later is not None
    assert later >= before - 1


def test_that_calls_take_little_is_learned_while_others_begin() -> None:
    """They may begin all the time."""
    machine = Machine(50, calls=4)
    machine.see(8)
    for calls in range(5, 65):
        machine.have(min(calls, 9))
        room = machine.see(8)
    assert room is not None
    assert room > 0


@pytest.mark.parametrize(("calls", "room"), [(0, 3), (2, 3), (3, 2)])
def test_before_anything_is_learned_it_is_guessed(calls: int, room: int) -> None:
    """Nine percent a call on two CPUs, as soon as a call has begun or the machine does something."""
    machine = Machine(calls=calls)
    machine.see(23)
    assert machine.see(23) == room


def test_an_idle_machine_takes_a_burst_to_its_end() -> None:
    """Nobody talks who would suffer, and those who come together wait for each other."""
    machine = Machine()
    assert machine.see(2, 2) is None
    machine.have(4)
    assert machine.see(40) is None
    assert machine.capacity.in_burst
    machine.have(10)
    assert machine.see(90) is None
    assert machine.see(90) == 0


def test_fewer_calls_than_cpus_leave_one_for_the_next() -> None:
    """Whatever else the machine does; who is refused then would find no better one."""
    machine = Machine(calls=1)
    assert machine.see(*[60] * 60) == 1
    machine.have(2)
    assert machine.see(60) == 0


def test_a_limit_of_100_sets_none() -> None:
    """As a setting says."""
    machine = Machine(100, calls=2)
    assert machine.see(100, 100) is None
    assert machine.capacity.most_at_once == 100
