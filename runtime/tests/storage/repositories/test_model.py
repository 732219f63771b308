"""After each operation, in any order, the repositories agree with a model of a few lines."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from agent_runtime.domain.agents.agent import AgentStatus, Registration
from agent_runtime.domain.errors import AgentAtCapacity, AgentNotRegistered, RoomTaken, SessionOver
from agent_runtime.domain.lease import Holding
from agent_runtime.domain.session import SessionStatus, new_session
from agent_runtime.storage import RegisteredAgents, StoredSessions, open_database

from .holders import HOLDER

T = TypeVar("T")

AGENTS = st.sampled_from([1, 2])
ROOMS = st.sampled_from(["a", "b"])
FINAL = st.sampled_from([SessionStatus.ENDED, SessionStatus.ERROR])


class StoreAndModel(RuleBasedStateMachine):
    """The repositories, and dictionaries with their expected content."""

    url: ClassVar[str]
    made = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._database = self._run(self._open())
        self._sessions = StoredSessions(self._database)
        self._agents = RegisteredAgents(self._database, self._sessions)
        self._limits: dict[int, int] = {}
        self._known: dict[str, tuple[int, str, SessionStatus]] = {}
        for agent_id in (1, 2):  # the previous example may have left sessions
            self._run(self._agents.unregister(agent_id))

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(coroutine)

    async def _open(self) -> Any:
        return open_database(self.url)

    def _live(self, agent_id: int) -> list[str]:
        return [
            session_id
            for session_id, (agent, _, status) in self._known.items()
            if agent == agent_id and not status.is_final
        ]

    def _become(self, session_id: str, status: SessionStatus) -> None:
        agent_id, room, _ = self._known[session_id]
        self._known[session_id] = (agent_id, room, status)

    def teardown(self) -> None:
        """Close the database."""
        self._run(self._database.close())
        self._loop.close()

    @rule(agent_id=AGENTS, limit=st.integers(1, 3))
    def register(self, agent_id: int, limit: int) -> None:
        """The latest limit is in force."""
        self._run(self._agents.register(Registration(agent_id, 1, {}, limit)))
        self._limits[agent_id] = limit

    @rule(agent_id=AGENTS)
    def unregister(self, agent_id: int) -> None:
        """An unregistration ends exactly the live sessions."""
        ended = self._run(self._agents.unregister(agent_id))
        live = self._live(agent_id)
        assert {session.session_id for session in ended} == set(live)
        for session_id in live:
            self._become(session_id, SessionStatus.ENDED)
        self._limits.pop(agent_id, None)

    @rule(target=made, agent_id=AGENTS, room=ROOMS)
    def create(self, agent_id: int, room: str) -> str:
        """A session is created if the agent has a place; otherwise the error says why not."""
        session = new_session(agent_id, 1, room)
        limit = self._limits.get(agent_id)
        if limit is None:
            with pytest.raises(AgentNotRegistered):
                self._run(self._sessions.create(session))
        elif len(self._live(agent_id)) >= limit:
            with pytest.raises(AgentAtCapacity):
                self._run(self._sessions.create(session))
        else:
            self._run(self._sessions.create(session))
            self._known[session.session_id] = (agent_id, room, SessionStatus.CONNECTING)
        return session.session_id

    @rule(session_id=made)
    def activate(self, session_id: str) -> None:
        """A room has one active session, and a session that is over stays over."""
        if session_id not in self._known:
            return
        _, room, status = self._known[session_id]
        taken = any(
            other != session_id and (where, state) == (room, SessionStatus.ACTIVE)
            for other, (_, where, state) in self._known.items()
        )
        if status.is_final:
            with pytest.raises(SessionOver):
                self._run(self._sessions.activate(session_id, HOLDER))
        elif taken:
            with pytest.raises(RoomTaken):
                self._run(self._sessions.activate(session_id, HOLDER))
        else:
            self._run(self._sessions.activate(session_id, HOLDER))
            self._become(session_id, SessionStatus.ACTIVE)

    @rule(session_id=made, status=FINAL)
    def finish(self, session_id: str, status: SessionStatus) -> None:
        """The first end of a session is final."""
        found = self._run(self._sessions.finish(session_id, status))
        if session_id not in self._known:
            assert found is None
            return
        if not self._known[session_id][2].is_final:
            self._become(session_id, status)
        assert found is not None
        assert found.status is self._known[session_id][2]

    @rule(session_id=made, count=st.integers(0, 5))
    def touch(self, session_id: str, count: int) -> None:
        """A heartbeat returns who holds the session, or that it is over."""
        self._run(self._sessions.set_participant_count(session_id, count))
        found = self._run(self._sessions.heartbeat(session_id, HOLDER))
        status = self._known.get(session_id, (0, "", SessionStatus.ENDED))[2]
        expected = {
            SessionStatus.CONNECTING: Holding.FREE,
            SessionStatus.ACTIVE: Holding.OURS,
        }
        assert found is expected.get(status, Holding.OVER)

    @invariant()
    def agrees(self) -> None:
        """Both have the same live sessions and the same counts."""
        live = {session.session_id for session in self._run(self._sessions.live_sessions())}
        assert live == {*self._live(1), *self._live(2)}
        for agent_id in (1, 2):
            limit = self._limits.get(agent_id)
            expected = (
                AgentStatus()
                if limit is None
                else AgentStatus(True, True, len(self._live(agent_id)), limit)
            )
            assert self._run(self._agents.status(agent_id)) == expected


@pytest.mark.parametrize("kind", ["sqlite_url", "postgres_url"])
def test_any_order_of_operations(kind: str, request: pytest.FixtureRequest) -> None:
    """The repositories agree with the model after any sequence of operations."""
    url = request.getfixturevalue(kind)
    machine = type("Machine", (StoreAndModel,), {"url": url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
