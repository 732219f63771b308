"""What the watcher does about sessions without an agent: single cases, and a long random walk."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field, replace

from agent_runtime.domain.lease import Holder, Instance, LiveSession, Phase
from agent_runtime.domain.session import SessionStatus, new_session
from agent_runtime.domain.watch import Action, Ask, Expire, GiveUp, Terms, Watch

TERMS = Terms()
JOB = Holder("AJ_1", "worker-one")
ASKED = LiveSession(new_session(7, 3, "lobby"), Phase.ASKED, None, beats=0, dispatches=1)
ACTIVE = replace(ASKED.session, status=SessionStatus.ACTIVE)
TALKING = replace(ASKED, session=ACTIVE, phase=Phase.TALKING, holder=JOB)
WAITING = replace(ASKED, phase=Phase.WAITING)
STEP = 0.25


def looks(watch: Watch, seconds: float, *live: LiveSession, start: float = 0.0) -> list[Action]:
    """The actions of looking at the same sessions again and again for some time."""
    found: list[Action] = []
    for tick in range(int(seconds / STEP) + 1):
        found += watch.look(start + tick * STEP, live, [])
    return found


def worker(name: str = "worker-one", *, free: int = 1, beat: str = "1") -> Instance:
    """A worker's row."""
    return Instance(name, beat, "running", active=1, free=free)


def test_a_dispatch_that_nobody_answers_is_sent_again() -> None:
    """After its patience, and again with growing pauses; not a moment before."""
    watch = Watch(TERMS)
    assert looks(watch, TERMS.answer, ASKED) == []
    (again,) = looks(watch, 0.25, ASKED, start=TERMS.answer + STEP)
    assert isinstance(again, Ask)
    assert not again.for_caller


def test_pauses_between_tries_grow_to_a_bound() -> None:
    """Nobody floods LiveKit with dispatches, and nobody waits for minutes."""
    watch = Watch(replace(TERMS, deadline=1000))
    times = []
    for tick in range(240):
        now = tick * STEP
        if watch.look(now, [ASKED], []):
            times.append(now)
    pauses = [b - a for a, b in itertools.pairwise(times)]
    assert pauses == sorted(pauses)
    assert max(pauses) <= TERMS.longest + STEP


def test_an_agent_without_a_heartbeat_is_lost() -> None:
    """Within the lease nothing happens, after it the session is taken from the job, by its name."""
    watch = Watch(TERMS)
    assert looks(watch, TERMS.lease, TALKING) == []
    (lost,) = watch.look(TERMS.lease + STEP, [TALKING], [])
    assert isinstance(lost, Expire)
    assert "worker-one" in lost.why


def test_a_heartbeat_keeps_the_lease() -> None:
    """Whatever the clocks of worker and watcher say: only the change counts."""
    watch = Watch(TERMS)
    for tick in range(100):
        assert watch.look(tick * STEP, [replace(TALKING, beats=tick // 4)], []) == []


def test_after_a_sleep_nobody_is_judged() -> None:
    """A watcher that was stopped itself, or whose machine was, starts to look anew."""
    watch = Watch(TERMS)
    looks(watch, 1, TALKING)
    assert watch.look(60, [TALKING], []) == []
    assert looks(watch, TERMS.lease - STEP, TALKING, start=60 + STEP) == []


def test_a_lost_agent_is_asked_for_at_once_if_somebody_waits() -> None:
    """Without a pause; and only for a caller, since the conversation had begun."""
    lost = replace(TALKING, phase=Phase.WAITING, holder=None, lost_by="worker-one")
    (again,) = Watch(TERMS).look(0, [lost], [])
    assert isinstance(again, Ask)
    assert again.for_caller


def test_an_abandoned_room_ends_the_session() -> None:
    """When the agent is lost and nobody is there for a while, the session is over."""
    watch = Watch(TERMS)
    lost = replace(TALKING, phase=Phase.WAITING, holder=None)
    ended = None
    for tick in range(100):
        for action in watch.look(tick * STEP, [lost], []):
            if isinstance(action, Ask):
                watch.waits(tick * STEP, action.live, somebody=False)
            elif ended is None:
                ended = tick * STEP, action
    assert ended is not None
    when, action = ended
    assert when <= TERMS.abandoned + 1
    assert isinstance(action, GiveUp)
    assert "nobody is in the room" in action.reason


def test_full_workers_make_a_queue() -> None:
    """The oldest goes first, as many as there are places; the others wait, up to the deadline."""
    watch = Watch(TERMS)
    older, newer = (
        replace(WAITING, session=new_session(7, 3, room)) for room in ("older", "newer")
    )
    assert watch.look(0, [older, newer], [worker(free=0)]) == []
    (first,) = watch.look(1, [older, newer], [worker(free=1, beat="2")])
    assert first.live.session.room_name == "older"


def test_what_waits_too_long_is_given_up_with_the_reason() -> None:
    """The reason tells full workers from none at all."""
    for instances, words in (
        (lambda tick: [worker(free=0, beat=str(tick))], "all workers are full (1 worker, 1 calls)"),
        (lambda _tick: [], "no worker is there"),
    ):
        watch, last = Watch(TERMS), None
        for tick in range(int(TERMS.deadline / STEP) + 2):
            actions = watch.look(tick * STEP, [WAITING], instances(tick))
            last = actions[-1] if actions else last
        assert isinstance(last, GiveUp)
        assert words in last.reason


def test_a_worker_that_says_nothing_has_no_places() -> None:
    """The row of a worker that was killed stays; its places do not count."""
    watch = Watch(replace(TERMS, deadline=1000))
    dead = worker("dead", free=50)
    for tick in range(40):
        watch.look(tick * STEP, [], [dead, worker(free=0, beat=str(tick))])
    assert watch.look(10.25, [WAITING], [dead, worker(free=0, beat="last")]) == []
    assert watch.silent_instances(60) == ["dead", "worker-one"]


def test_an_agent_that_dies_of_its_session_is_not_sent_for_ever() -> None:
    """There is a bound, whatever the pauses."""
    (action,) = Watch(TERMS).look(0, [replace(WAITING, dispatches=20)], [])
    assert isinstance(action, GiveUp)


def test_a_caller_without_a_session_is_served_after_a_while() -> None:
    """LiveKit's own dispatch has its chance first; rooms of other names are not ours."""
    watch = Watch(TERMS)
    rooms = ["agent-7-room", "lobby"]
    assert watch.unserved(0, rooms, []) == []
    assert watch.unserved(TERMS.unserved, rooms, []) == ["agent-7-room"]
    assert watch.unserved(TERMS.unserved + 1, rooms, []) == []
    served = replace(ASKED, session=new_session(7, 3, "agent-7-room"))
    assert watch.unserved(100, rooms, [served]) == []


@dataclass
class World:
    """Sessions, workers and LiveKit as they might be, with everything that can go wrong by chance."""

    chance: random.Random
    now: float = 0.0
    live: dict[str, LiveSession] = field(default_factory=dict)
    final: dict[str, tuple[SessionStatus, str]] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)  # running jobs, and their sessions
    callers: set[str] = field(default_factory=set)
    alive: set[str] = field(default_factory=set)  # of the two workers
    created: int = 0
    asked_at: dict[str, float] = field(default_factory=dict)
    needy_since: dict[str, float] = field(default_factory=dict)
    most_places: int = 4
    next_job: int = 0
    worst_wait: float = 0.0

    def create(self) -> None:
        """A session, dispatched: LiveKit may lose it."""
        session = new_session(7, 3, "")
        self.created += 1
        key = session.session_id
        self.live[key] = LiveSession(session, Phase.ASKED, None, 0, 1)
        self.callers.add(key)
        self.dispatch(key)

    def dispatch(self, key: str) -> None:
        """A worker with a place takes it, unless LiveKit forgets it."""
        if self.chance.random() < 0.7 and self.alive:
            self.asked_at[key] = self.now + self.chance.random()

    def claim(self, key: str) -> None:
        """A job for the session, on some worker, if nobody has it."""
        one = self.live.get(key)
        if one is None or one.holder is not None or not self.alive:
            return
        if len(self.jobs) >= self.most_places * len(self.alive):
            self.live[key] = replace(one, phase=Phase.WAITING, beats=one.beats + 1)
            return
        self.next_job += 1
        holder = Holder(f"AJ_{self.next_job}", self.chance.choice(sorted(self.alive)))
        self.jobs[holder.job] = key
        self.live[key] = replace(one, phase=Phase.STARTING, holder=holder, beats=one.beats + 1)

    def run(self, step: float) -> None:
        """Time passes: jobs beat, agents join, callers leave, things die."""
        self.now += step
        for key, when in list(self.asked_at.items()):
            if when <= self.now:
                del self.asked_at[key]
                self.claim(key)
        for job, key in list(self.jobs.items()):
            one = self.live.get(key)
            if one is None or one.holder is None or one.holder.job != job:
                del self.jobs[job]  # it reads that with its next beat, and leaves
                continue
            session = replace(one.session, status=SessionStatus.ACTIVE)
            self.live[key] = replace(one, session=session, phase=Phase.TALKING, beats=one.beats + 1)
            if self.chance.random() < 0.02:
                self.finish(key, SessionStatus.ENDED, "the caller left")
                self.callers.discard(key)
            elif self.chance.random() < 0.01:
                del self.jobs[job]  # kill -9
        self.strike()

    def strike(self) -> None:
        """A worker dies with its jobs, another comes; a caller leaves."""
        if self.chance.random() < 0.005 and self.alive:
            dead = self.chance.choice(sorted(self.alive))
            self.alive.discard(dead)
            for job, key in list(self.jobs.items()):
                holder = self.live[key].holder if key in self.live else None
                if holder is not None and holder.worker == dead:
                    del self.jobs[job]
        if self.chance.random() < 0.1:
            self.alive.add(self.chance.choice(["one", "two"]))
        if self.chance.random() < 0.02 and self.callers:
            self.callers.discard(self.chance.choice(sorted(self.callers)))

    def finish(self, key: str, status: SessionStatus, reason: str) -> None:
        """Final is final."""
        assert key not in self.final
        self.final[key] = status, reason
        del self.live[key]

    def act(self, watch: Watch, action: Action) -> None:
        """What the store and LiveKit make of an action; a stale one changes nothing."""
        key = action.live.session.session_id
        one = self.live.get(key)
        if one is None:
            return
        if isinstance(action, Expire):
            if one.holder == action.live.holder and one.beats == action.live.beats:
                self.live[key] = replace(one, holder=None, phase=Phase.WAITING, beats=one.beats + 1)
        elif isinstance(action, GiveUp):
            self.finish(key, SessionStatus.ERROR, action.reason)
        elif action.for_caller and key not in self.callers:
            watch.waits(self.now, action.live, somebody=False)
        elif one.holder is None and one.dispatches == action.live.dispatches:
            self.live[key] = replace(
                one, phase=Phase.ASKED, dispatches=one.dispatches + 1, beats=one.beats + 1
            )
            self.dispatch(key)

    def instances(self) -> list[Instance]:
        """What the workers say of themselves."""
        free = max(0, self.most_places - len(self.jobs) // max(1, len(self.alive)))
        return [
            Instance(name, f"{self.now:.2f}", "running", 0, free) for name in sorted(self.alive)
        ]

    def check(self) -> None:
        """One holder a session, and nobody without an agent for longer than the terms allow."""
        held = [one.holder.job for one in self.live.values() if one.holder is not None]
        assert len(held) == len(set(held))
        for key, one in self.live.items():
            running = one.holder is not None and one.holder.job in self.jobs
            if running:
                self.needy_since.pop(key, None)
                continue
            since = self.needy_since.setdefault(key, self.now)
            self.worst_wait = max(self.worst_wait, self.now - since)


def test_ten_thousand_calls_whatever_dies() -> None:
    """Jobs and workers are killed, dispatches lost, watchers replaced: each call ends, truly, once."""
    chance = random.Random(20261121)  # noqa: S311 - a walk that can be repeated
    world, watch = World(chance, alive={"one", "two"}), Watch(TERMS)
    asleep = 0
    while world.created < 10_000 or world.live:
        if world.created < 10_000 and len(world.live) < 12 and chance.random() < 0.7:
            world.create()
        world.run(STEP)
        if chance.random() < 0.002:
            watch, asleep = Watch(TERMS), 8  # the process that watches is killed, another follows
        if asleep:
            asleep -= 1
        else:
            live = sorted(world.live.values(), key=lambda one: one.session.started_at)
            for action in watch.look(world.now, live, world.instances()):
                world.act(watch, action)
                if chance.random() < 0.05:
                    world.act(watch, action)  # a second watcher saw the same
        world.check()
    assert len(world.final) == world.created
    served = sum(status is SessionStatus.ENDED for status, _ in world.final.values())
    assert served > 0.8 * world.created
    # Deadline, one lease before it was noticed, and a watcher's change in between.
    assert world.worst_wait < 2 * TERMS.deadline + TERMS.start
