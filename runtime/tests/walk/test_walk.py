"""Whatever dies, comes late, comes twice or does not come: each call keeps its agent or ends, truly, once.

`WALK_CALLS` is how many calls are placed at least; without it two hundred, always the same ones.
`WALK_SHRINK=1` looks for the shortest walk that shows what is wrong; it takes minutes.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from .apis import Api
from .livekit import LATE
from .world import AGENTS, CALM, LONGEST_NEED, TERMS, World

CALLS = "WALK_CALLS"
SHRINK = "WALK_SHRINK"
FEW = 200
WALKS = 5  # between two looks at the number of calls
STEPS = 60
MOST_AT_ONCE = 12
Thing = TypeVar("Thing")
ANY = st.integers(0, 10**6)
MOMENTS = st.one_of(
    st.integers(1, 40).map(lambda quarters: quarters / 4), st.sampled_from([25.0, 45.0])
)
LIVEKIT_TIMEOUT = 2.0
DOING = ["claim", "release", "expire", "ask", "activate", "beat", "finish", "give up"]
ASKING = ["CreateRoom", "CreateDispatch", "DeleteDispatch", "RemoveParticipant", "DeleteRoom"]
SHARES = st.sampled_from([0.0, 0.3, 1.0])


class Walk(RuleBasedStateMachine):
    """One walk of some steps."""

    placed = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="walk-"))
        self.world: World | None = None
        self.calm_at = 0.0

    @property
    def at(self) -> World:
        """The world."""
        assert self.world is not None
        return self.world

    def teardown(self) -> None:
        """Heal everything, let the calls end: nothing is left."""
        if self.world is None:
            return
        try:
            if not self.world.broken:
                self._end()
        finally:
            type(self).placed += len(self.world.calls)
            self.world.close()
            shutil.rmtree(self.folder)

    def _end(self) -> None:
        self.calm()
        self.holds()
        self.at.livekit.away = True  # no agent can be sent out: it has to read that it is over
        for session in self.at.live:
            assert self.at.run(self.at.apis[0].end(session.session_id))
        self.at.pass_time(5)
        self.holds()
        assert self.at.live == []
        assert self.at.jobs == [] or all(not job.is_heard for job in self.at.jobs)

    @initialize(number=ANY)
    def begin(self, number: int) -> None:
        """A new world with some calls; `number` decides how long everything takes."""
        self.world = World(self.folder, number)
        self.calls_begin(MOST_AT_ONCE, number, with_caller=True)

    @rule(
        times=st.integers(1, MOST_AT_ONCE),
        api=ANY,
        with_caller=st.sampled_from([True, True, False]),
    )
    def calls_begin(self, times: int, api: int, *, with_caller: bool) -> None:
        """Created over HTTP, each in a room of its own."""
        for _ in range(times):
            self.at.spawn(self.at.create(self._api(api), AGENTS[0], "", with_caller=with_caller))
        self.at.pass_time(1)

    @rule(api=ANY, agent=st.sampled_from(AGENTS), room=st.sampled_from(["lobby", "agent-7-room"]))
    def a_call_begins_in_a_room_of_many(self, api: int, agent: int, room: str) -> None:
        """The room may have been there, and have an agent."""
        self.at.spawn(self.at.create(self._api(api), agent, room, with_caller=True))
        self.at.pass_time(0.5)

    @rule(agent=st.sampled_from(AGENTS), who=st.sampled_from(["Ada", "Bob"]))
    def a_caller_comes_to_a_widget(self, agent: int, who: str) -> None:
        """Nobody has created a session."""
        self.at.livekit.enter(f"agent-{agent}-room", who)

    @precondition(lambda self: self.at.calls)
    @rule(api=ANY, which=ANY)
    def a_call_is_ended(self, api: int, which: int) -> None:
        """Over HTTP, also twice; its caller stays."""
        caller = self._api(api)
        caller.start(caller.end(self._pick(self.at.calls, which)))

    @precondition(lambda self: self.at.calls)
    @rule(which=ANY)
    def a_caller_leaves(self, which: int) -> None:
        """Hangs up."""
        self.at.livekit.leave(self.at.rooms[self._pick(self.at.calls, which)], "caller")

    @precondition(lambda self: self.at.calls)
    @rule(which=ANY)
    def a_caller_comes_back(self, which: int) -> None:
        """Perhaps to a room whose call is over."""
        self.at.livekit.enter(self.at.rooms[self._pick(self.at.calls, which)], "caller")

    @precondition(lambda self: self.at.jobs)
    @rule(which=ANY)
    def a_job_is_killed(self, which: int) -> None:
        """Kill -9."""
        self._pick(self.at.jobs, which).kill()

    @precondition(lambda self: self.at.jobs)
    @rule(which=ANY, seconds=MOMENTS)
    def a_job_hangs(self, which: int, seconds: float) -> None:
        """SIGSTOP."""
        self.at.freeze(self._pick(self.at.jobs, which), seconds)

    @precondition(lambda self: self.at.jobs)
    @rule(which=ANY, seconds=MOMENTS)
    def a_job_is_cut_off(self, which: int, seconds: float) -> None:
        """From the database."""
        self.at.cut(self._pick(self.at.jobs, which), seconds)

    @rule(which=st.sampled_from([0, 1]), seconds=MOMENTS)
    def a_worker_is_killed(self, which: int, seconds: float) -> None:
        """With its jobs; another comes after a while."""
        self.at.restart_worker(which, seconds)

    @rule(which=st.sampled_from([0, 1]), seconds=MOMENTS)
    def a_worker_is_cut_off(self, which: int, seconds: float) -> None:
        """From the database; its jobs are not."""
        self.at.cut(self.at.workers[which], seconds)

    @rule(which=st.sampled_from([0, 1]), seconds=MOMENTS)
    def a_worker_hangs(self, which: int, seconds: float) -> None:
        """Its yes may come too late; its jobs go on."""
        self.at.freeze(self.at.workers[which], seconds)

    @rule(which=st.sampled_from([0, 1]))
    def a_worker_loses_its_line(self, which: int) -> None:
        """To LiveKit, which asks another one; its jobs have lines of their own."""
        self.at.workers[which].lose_line()

    @rule(which=st.sampled_from([0, 1]), api=ANY, seconds=MOMENTS)
    def a_job_moves(self, which: int, api: int, seconds: float) -> None:
        """The worker's line breaks between its claim and its yes."""
        at = self.at
        at.traps["after claim"] = seconds, False
        at.spawn(at.create(self._api(api), AGENTS[0], "", with_caller=True))
        at.pass_time(1)
        at.workers[which].lose_line()

    @rule(
        when=st.sampled_from(["before", "after"]),
        what=st.sampled_from([*DOING, *ASKING]),
        seconds=MOMENTS,
        loses_lock=st.booleans(),
    )
    def somebody_will_hang(self, when: str, what: str, seconds: float, *, loses_lock: bool) -> None:
        """Between what it has seen and what it changes, or before it learns what came of it."""
        self.at.traps[f"{when} {what}"] = seconds, loses_lock

    @precondition(lambda self: self.at.jobs)
    @rule(
        when=st.sampled_from(["before expire", "after expire", "before ask", "after ask"]),
        which=ANY,
        seconds=MOMENTS,
    )
    def a_watcher_replaces_an_agent_too_late(self, when: str, which: int, seconds: float) -> None:
        """A job is silent for as long as its lease; then the watcher hangs, and the job is back."""
        self.at.traps[when] = seconds, True
        self.at.freeze(self._pick(self.at.jobs, which), TERMS.lease + 0.5)
        self.at.pass_time(TERMS.lease + seconds + 2)

    @rule(api=ANY, seconds=MOMENTS)
    def a_job_joins_too_late(self, api: int, seconds: float) -> None:
        """Its worker could not claim the session, and others are asked for meanwhile."""
        at = self.at
        at.traps["before activate"] = seconds, False
        for worker in at.workers:
            at.cut(worker, 3)
        at.spawn(at.create(self._api(api), AGENTS[0], "", with_caller=True))
        at.pass_time(4)

    @rule(api=ANY, seconds=MOMENTS)
    def a_watcher_asks_too_late(self, api: int, seconds: float) -> None:
        """The dispatch that took so long brings an agent after all while it hangs."""
        at = self.at
        at.traps["before ask"] = seconds, False
        at.livekit.is_late = 1.0
        at.spawn(at.create(self._api(api), AGENTS[0], "", with_caller=True))
        at.pass_time(LATE + 1)
        at.livekit.is_late = 0.0

    @rule(api=ANY, seconds=MOMENTS)
    def a_watcher_gives_up_too_late(self, api: int, seconds: float) -> None:
        """No dispatch brings an agent until the watcher hangs as it gives up: then one does."""
        at = self.at
        at.traps["before give up"] = seconds, True
        at.livekit.forgets = 1.0
        at.spawn(at.create(self._api(api), AGENTS[0], "", with_caller=True))
        at.pass_time(TERMS.deadline + 1)
        at.livekit.forgets = 0.0
        at.pass_time(seconds + 1)

    @rule(which=st.sampled_from([0, 1]), seconds=MOMENTS)
    def a_watcher_is_killed(self, which: int, seconds: float) -> None:
        """With its API; it comes again after a while."""
        self.at.restart_api(which, seconds)

    @rule(which=st.sampled_from([0, 1]), seconds=MOMENTS)
    def a_watcher_hangs(self, which: int, seconds: float) -> None:
        """SIGSTOP: it keeps its lock."""
        self.at.freeze(self.at.apis[which], seconds)

    @rule(seconds=MOMENTS)
    def a_watcher_hangs_and_loses_its_lock(self, seconds: float) -> None:
        """In the middle of what it does; the other watches meanwhile."""
        owner = self.at.lock.owner
        if owner is not None:
            self.at.freeze(owner, seconds)
            self.at.lock.owner = None

    @rule(which=st.sampled_from([0, 1]), seconds=MOMENTS)
    def a_watcher_is_cut_off(self, which: int, seconds: float) -> None:
        """From the database."""
        self.at.cut(self.at.apis[which], seconds)

    @rule()
    def nobody_comes_for_long(self) -> None:
        """Whoever has no agent by then will not get one."""
        self.at.livekit.forgets = 1.0
        self.at.pass_time(LONGEST_NEED + 30)
        self.at.livekit.forgets = 0.0

    @rule(forgets=SHARES, late=SHARES, doubles=SHARES)
    def dispatches_go_astray(self, forgets: float, late: float, doubles: float) -> None:
        """From now on this share comes to nothing, comes when another was asked for, or comes twice."""
        livekit = self.at.livekit
        livekit.forgets, livekit.is_late, livekit.doubles = forgets, late, doubles

    @rule(heard=SHARES)
    def workers_hear_the_bell(self, heard: float) -> None:
        """From now on this share of what is rung."""
        self.at.notices = heard

    @rule(seconds=MOMENTS, hangs=st.sampled_from([0.0, LIVEKIT_TIMEOUT]))
    def livekit_is_away(self, seconds: float, hangs: float) -> None:
        """Its API, that is: it refuses, or takes what it is asked and says nothing."""
        livekit = self.at.livekit
        livekit.away, livekit.hangs = True, hangs
        self.at.later(seconds, lambda: setattr(livekit, "away", False))

    @rule(lost=SHARES, doubled=SHARES, late=SHARES)
    def webhooks_go_astray(self, lost: float, doubled: float, late: float) -> None:
        """From now on this share is lost, comes twice, comes late and so behind later ones."""
        at = self.at
        at.webhooks_lost, at.webhooks_doubled, at.webhooks_late = lost, doubled, late

    @rule(event=st.sampled_from(["room_finished", "participant_left"]))
    def a_webhook_is_forged(self, event: str) -> None:
        """By somebody who does not know the secret."""
        body = f'{{"event": "{event}", "room": {{"name": "lobby"}}}}'.encode()
        assert not self.at.run(self.at.apis[0].receive(body, "another-secret-of-32-characters-"))

    @rule(seconds=MOMENTS)
    def time_passes(self, seconds: float) -> None:
        """Nothing else."""
        self.at.pass_time(seconds)

    @precondition(lambda self: self.at.loop.time() > self.calm_at + CALM)
    @rule()
    def calm(self) -> None:
        """Nothing is wrong for a while: whoever is not over is served."""
        self.at.heal()
        self.at.pass_time(CALM)
        self.at.check_calm()
        self.calm_at = self.at.loop.time()

    @invariant()
    def holds(self) -> None:
        """Every law, of rows and of rooms."""
        if self.world is not None:
            self.world.check()
            assert not self.world.broken, self.world.told()

    def _api(self, which: int) -> Api:
        return self._pick(self.at.apis, which)

    @staticmethod
    def _pick(these: Sequence[Thing], which: int) -> Thing:
        return these[which % len(these)]


@pytest.mark.timeout(3600)
def test_no_call_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    """Walks until enough calls were placed."""
    caplog.set_level(logging.CRITICAL, "agent_runtime")
    wanted = int(os.environ.get(CALLS, FEW))
    number = 0
    while Walk.placed < wanted:
        number += 1
        run_state_machine_as_test(
            seed(number)(Walk),
            settings=settings(
                max_examples=WALKS,
                stateful_step_count=STEPS,
                deadline=None,
                phases=[Phase.generate, Phase.shrink] if SHRINK in os.environ else [Phase.generate],
                database=None,
                print_blob=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
    print(f"{Walk.placed} calls in {number * WALKS} walks: none lost")
