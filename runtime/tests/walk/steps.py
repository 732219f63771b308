"""Steps of a walk: calls and callers, and the disturbances of jobs and workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from .apis import Api
from .world import AGENTS, World

MAX_AT_ONCE = 12  # sessions that one step creates
Thing = TypeVar("Thing")
ANY = st.integers(0, 10**6)
# Seconds of a disturbance: mostly short, at times longer than every timeout.
MOMENTS = st.one_of(
    st.integers(1, 40).map(lambda quarters: quarters / 4), st.sampled_from([25.0, 45.0])
)


class Steps(RuleBasedStateMachine):
    """The steps that need no API process of their own."""

    world: World | None = None

    @property
    def at(self) -> World:
        """The world of this walk."""
        assert self.world is not None
        return self.world

    @rule(
        times=st.integers(1, MAX_AT_ONCE),
        api=ANY,
        with_caller=st.sampled_from([True, True, False]),
    )
    def calls_begin(self, times: int, api: int, *, with_caller: bool) -> None:
        """Sessions are created over HTTP, each in a room of its own."""
        for _ in range(times):
            self.at.spawn(self.at.create(self._api(api), AGENTS[0], "", with_caller=with_caller))
        self.at.pass_time(1)

    @rule(api=ANY, agent=st.sampled_from(AGENTS), room=st.sampled_from(["lobby", "agent-7-room"]))
    def a_call_begins_in_a_room_of_many(self, api: int, agent: int, room: str) -> None:
        """A session is created for a room that may exist and may have an agent."""
        self.at.spawn(self.at.create(self._api(api), agent, room, with_caller=True))
        self.at.pass_time(0.5)

    @rule(agent=st.sampled_from(AGENTS), who=st.sampled_from(["Ada", "Bob"]))
    def a_caller_comes_to_a_widget(self, agent: int, who: str) -> None:
        """A caller joins an agent's room for which no session was created."""
        self.at.livekit.enter(f"agent-{agent}-room", who)

    @precondition(lambda self: self.at.calls)
    @rule(api=ANY, which=ANY)
    def a_call_is_ended(self, api: int, which: int) -> None:
        """A session is ended over HTTP, perhaps twice; its caller stays."""
        caller = self._api(api)
        caller.start(caller.end(self._pick(self.at.calls, which)))

    @precondition(lambda self: self.at.calls)
    @rule(which=ANY)
    def a_caller_leaves(self, which: int) -> None:
        """A caller hangs up."""
        self.at.livekit.leave(self.at.rooms[self._pick(self.at.calls, which)], "caller")

    @precondition(lambda self: self.at.calls)
    @rule(which=ANY)
    def a_caller_comes_back(self, which: int) -> None:
        """A caller joins again, perhaps a room whose call is over."""
        self.at.livekit.enter(self.at.rooms[self._pick(self.at.calls, which)], "caller")

    @precondition(lambda self: self.at.jobs)
    @rule(which=ANY)
    def a_job_is_killed(self, which: int) -> None:
        """A job is killed as with SIGKILL."""
        self._pick(self.at.jobs, which).kill()

    @precondition(lambda self: self.at.jobs)
    @rule(which=ANY, seconds=MOMENTS)
    def a_job_hangs(self, which: int, seconds: float) -> None:
        """A job is suspended as with SIGSTOP."""
        self.at.suspend(self._pick(self.at.jobs, which), seconds)

    @precondition(lambda self: self.at.jobs)
    @rule(which=ANY, seconds=MOMENTS)
    def a_job_is_disconnected(self, which: int, seconds: float) -> None:
        """A job is disconnected from the database."""
        self.at.disconnect(self._pick(self.at.jobs, which), seconds)

    @rule(which=st.sampled_from([0, 1]), seconds=MOMENTS)
    def a_worker_is_killed(self, which: int, seconds: float) -> None:
        """A worker is killed with its jobs; another one starts after some time."""
        self.at.restart_worker(which, seconds)

    @rule(which=st.sampled_from([0, 1]), seconds=MOMENTS)
    def a_worker_is_disconnected(self, which: int, seconds: float) -> None:
        """A worker is disconnected from the database; its jobs are not."""
        self.at.disconnect(self.at.workers[which], seconds)

    @rule(which=st.sampled_from([0, 1]), seconds=MOMENTS)
    def a_worker_hangs(self, which: int, seconds: float) -> None:
        """A worker is suspended and may accept a job too late; its jobs go on."""
        self.at.suspend(self.at.workers[which], seconds)

    @rule(which=st.sampled_from([0, 1]))
    def a_worker_loses_livekit(self, which: int) -> None:
        """A worker loses LiveKit, which offers its jobs to others; running jobs keep theirs."""
        self.at.workers[which].disconnect_livekit()

    @rule(which=st.sampled_from([0, 1]), api=ANY, seconds=MOMENTS)
    def a_job_moves(self, which: int, api: int, seconds: float) -> None:
        """A worker loses LiveKit between its claim of a session and its acceptance of the job."""
        at = self.at
        at.traps["after claim"] = seconds, False
        at.spawn(at.create(self._api(api), AGENTS[0], "", with_caller=True))
        at.pass_time(1)
        at.workers[which].disconnect_livekit()

    def _api(self, which: int) -> Api:
        return self._pick(self.at.apis, which)

    @staticmethod
    def _pick(these: Sequence[Thing], which: int) -> Thing:
        return these[which % len(these)]
