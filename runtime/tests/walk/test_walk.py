"""Whatever dies, is late, doubled or lost: each call keeps its agent, or ends once and for a true reason.

`WALK_CALLS` is the least number of calls to place; by default two hundred, always the same ones.
`WALK_SHRINK=1` searches for the shortest walk that shows a violation, which takes minutes.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from .laws import MAX_UNSERVED, TIMEOUTS
from .livekit import MAX_DELAY
from .steps import ANY, MAX_AT_ONCE, MOMENTS, Steps
from .world import AGENTS, World

pytestmark = pytest.mark.services

CALLS = "WALK_CALLS"
SHRINK = "WALK_SHRINK"
DEFAULT_CALLS = 200
WALKS = 5  # between two checks of the number of calls
STEPS = 60
CALM = 45.0  # seconds without a disturbance after which every session must be served
LIVEKIT_TIMEOUT = 2.0  # seconds that a call takes to fail while LiveKit never responds
CHANGES = [
    "claim", "release", "expire", "record dispatch", "activate", "heartbeat", "finish", "give up",
]  # fmt: skip
LIVEKIT_CALLS = [
    "CreateRoom",
    "CreateDispatch",
    "DeleteDispatch",
    "RemoveParticipant",
    "DeleteRoom",
]
SHARES = st.sampled_from([0.0, 0.3, 1.0])


class Walk(Steps):
    """One walk of random steps."""

    placed = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="walk-"))
        self.calm_at = 0.0

    def teardown(self) -> None:
        """End all disturbances and all calls: no session and no agent remains."""
        if self.world is None:
            return
        try:
            if not self.world.laws.violations:
                self._end()
        finally:
            type(self).placed += len(self.world.calls)
            self.world.close()
            shutil.rmtree(self.folder)

    def _end(self) -> None:
        self.calm()
        self.holds()
        self.at.livekit.is_unavailable = True  # agents cannot be removed: they read that it is over
        for session in self.at.live:
            assert self.at.run(self.at.apis[0].end(session.session_id))
        self.at.pass_time(5)
        self.holds()
        assert self.at.live == []
        assert self.at.jobs == [] or all(not job.is_heard for job in self.at.jobs)

    @initialize(number=ANY)
    def begin(self, number: int) -> None:
        """Create a world with some calls; `number` seeds its random delays."""
        self.world = World(self.folder, number)
        self.calls_begin(MAX_AT_ONCE, number, with_caller=True)

    @rule(
        when=st.sampled_from(["before", "after"]),
        what=st.sampled_from([*CHANGES, *LIVEKIT_CALLS]),
        seconds=MOMENTS,
        loses_lock=st.booleans(),
    )
    def a_process_will_hang(
        self, when: str, what: str, seconds: float, *, loses_lock: bool
    ) -> None:
        """The next process hangs just before or after this change or call."""
        self.at.traps[f"{when} {what}"] = seconds, loses_lock

    @precondition(lambda self: self.at.jobs)
    @rule(
        when=st.sampled_from(["before", "after"]),
        change=st.sampled_from(["expire", "record dispatch"]),
        which=ANY,
        seconds=MOMENTS,
    )
    def a_supervisor_replaces_an_agent_too_late(
        self, when: str, change: str, which: int, seconds: float
    ) -> None:
        """A job is silent for longer than its lease; then the supervisor hangs and the job is back."""
        self.at.traps[f"{when} {change}"] = seconds, True
        self.at.suspend(self._pick(self.at.jobs, which), TIMEOUTS.lease + 0.5)
        self.at.pass_time(TIMEOUTS.lease + seconds + 2)

    @rule(api=ANY, seconds=MOMENTS)
    def a_job_joins_too_late(self, api: int, seconds: float) -> None:
        """A job joins whose worker could not claim the session, while others are dispatched."""
        at = self.at
        at.traps["before activate"] = seconds, False
        for worker in at.workers:
            at.disconnect(worker, 3)
        at.spawn(at.create(self._api(api), AGENTS[0], "", with_caller=True))
        at.pass_time(4)

    @rule(api=ANY, seconds=MOMENTS)
    def a_supervisor_redispatches_too_late(self, api: int, seconds: float) -> None:
        """The late first dispatch brings an agent while the supervisor hangs before the next one."""
        at = self.at
        at.traps["before record dispatch"] = seconds, False
        at.livekit.late_share = 1.0
        at.spawn(at.create(self._api(api), AGENTS[0], "", with_caller=True))
        at.pass_time(MAX_DELAY + 1)
        at.livekit.late_share = 0.0

    @rule(api=ANY, seconds=MOMENTS)
    def a_supervisor_gives_up_too_late(self, api: int, seconds: float) -> None:
        """The first dispatch to bring an agent comes while the supervisor hangs as it gives up."""
        at = self.at
        at.traps["before give up"] = seconds, True
        at.livekit.lost_share = 1.0
        at.spawn(at.create(self._api(api), AGENTS[0], "", with_caller=True))
        at.pass_time(TIMEOUTS.deadline + 1)
        at.livekit.lost_share = 0.0
        at.pass_time(seconds + 1)

    @rule(which=st.sampled_from([0, 1]), seconds=MOMENTS)
    def a_supervisor_is_killed(self, which: int, seconds: float) -> None:
        """A supervisor is killed with its API process, and restarts after some time."""
        self.at.restart_api(which, seconds)

    @rule(which=st.sampled_from([0, 1]), seconds=MOMENTS)
    def a_supervisor_hangs(self, which: int, seconds: float) -> None:
        """A supervisor is suspended and keeps its lock."""
        self.at.suspend(self.at.apis[which], seconds)

    @rule(seconds=MOMENTS)
    def a_supervisor_hangs_and_loses_its_lock(self, seconds: float) -> None:
        """A supervisor is suspended in the middle of an action, while the other one takes over."""
        owner = self.at.lock.owner
        if owner is not None:
            self.at.suspend(owner, seconds)
            self.at.lock.owner = None

    @rule(which=st.sampled_from([0, 1]), seconds=MOMENTS)
    def a_supervisor_is_disconnected(self, which: int, seconds: float) -> None:
        """A supervisor is disconnected from the database."""
        self.at.disconnect(self.at.apis[which], seconds)

    @rule()
    def no_dispatch_succeeds_for_long(self) -> None:
        """All dispatches are lost for longer than any session may wait."""
        self.at.livekit.lost_share = 1.0
        self.at.pass_time(MAX_UNSERVED + 30)
        self.at.livekit.lost_share = 0.0

    @rule(lost=SHARES, late=SHARES, doubled=SHARES)
    def dispatches_go_astray(self, lost: float, late: float, doubled: float) -> None:
        """From now on these shares of dispatches are lost, late (after the next one) or doubled."""
        livekit = self.at.livekit
        livekit.lost_share, livekit.late_share, livekit.doubled_share = lost, late, doubled

    @rule(share=SHARES)
    def workers_are_notified(self, share: float) -> None:
        """From now on this share of notices arrives at the workers."""
        self.at.notified_share = share

    @rule(seconds=MOMENTS, hangs=st.sampled_from([0.0, LIVEKIT_TIMEOUT]))
    def livekit_is_unavailable(self, seconds: float, hangs: float) -> None:
        """LiveKit's server API refuses calls, or accepts them and never responds."""
        livekit = self.at.livekit
        livekit.is_unavailable, livekit.hangs = True, hangs
        self.at.later(seconds, lambda: setattr(livekit, "is_unavailable", False))

    @rule(lost=SHARES, doubled=SHARES, late=SHARES)
    def webhooks_go_astray(self, lost: float, doubled: float, late: float) -> None:
        """From now on these shares of webhooks are lost, doubled, or late and so out of order."""
        at = self.at
        at.webhooks_lost, at.webhooks_doubled, at.webhooks_late = lost, doubled, late

    @rule(event=st.sampled_from(["room_finished", "participant_left"]))
    def a_webhook_is_forged(self, event: str) -> None:
        """A webhook that is signed with another secret is refused."""
        body = f'{{"event": "{event}", "room": {{"name": "lobby"}}}}'.encode()
        assert not self.at.run(self.at.apis[0].receive(body, "another-secret-of-32-characters-"))

    @rule(seconds=MOMENTS)
    def time_passes(self, seconds: float) -> None:
        """Time passes without any event."""
        self.at.pass_time(seconds)

    @precondition(lambda self: self.at.loop.time() > self.calm_at + CALM)
    @rule()
    def calm(self) -> None:
        """After some time without disturbances every live session is served."""
        self.at.heal()
        self.at.pass_time(CALM)
        self.at.laws.check_calm()
        self.calm_at = self.at.loop.time()

    @invariant()
    def holds(self) -> None:
        """All laws hold, of rows and of rooms."""
        if self.world is not None:
            self.world.laws.check()
            assert not self.world.laws.violations, self.world.laws.report()


@pytest.mark.timeout(3600)
def test_no_call_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    """No random walk breaks a law; walks go on until enough calls were placed."""
    caplog.set_level(logging.CRITICAL, "agent_runtime")
    wanted = int(os.environ.get(CALLS, DEFAULT_CALLS))
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
