"""What the requests so far have made true: the words in which the ledger speaks of state.

The old service cannot tell (it loses its sessions), so the facts follow the requests and the new
service's own answers: an agent that it said is registered is registered. A wrong answer is a
finding in its own place; the facts only make the answers after it predictable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from contract.api.request_facts import RequestFacts, number
from contract.http.messages import Answer
from contract.replay.identity import pointed
from contract.targets.target import FAULTS
from contract.values.documents import parse, plain
from contract.values.typed_values import Window

DEFAULT_SESSIONS: Final = 100  # MAX_SESSIONS_PER_AGENT when nobody sets it


@dataclass(slots=True)
class Session:
    """A session that the new service said it created."""

    id: str
    agent: Any
    tenant: Any
    room: str
    asked: Mapping[str, Any]
    created: Window
    ended: Window | None = None
    started_text: str | None = None
    ended_text: str | None = None

    @property
    def live(self) -> bool:
        """Whether it was not ended yet."""
        return self.ended is None


@dataclass(slots=True)
class Agent:
    """An agent, registered or not, with all sessions it ever had."""

    id: Any
    registered: bool = False
    tenant: Any = None
    config: Any = None
    sessions: list[Session] = field(default_factory=list)

    @property
    def limit(self) -> int:
        """Sessions that it may hold at once."""
        wanted = self.config.get("maxConcurrentSessions") if isinstance(self.config, dict) else None
        return int(wanted) if isinstance(wanted, int | float) and wanted else DEFAULT_SESSIONS

    @property
    def live(self) -> int:
        """Sessions that it holds."""
        return sum(session.live for session in self.sessions)


@dataclass(slots=True)
class World:
    """All facts so far."""

    agents: dict[Any, Agent] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    order: list[Any] = field(default_factory=list)
    restarts: int = 0
    faults: set[str] = field(default_factory=set)

    def agent(self, agent_id: Any) -> Agent:
        """The agent of this id, as one that is not registered when nobody registered it."""
        return self.agents.get(agent_id) or Agent(agent_id)

    def learn(self, request: RequestFacts, answer: Answer) -> None:
        """Take in one answer of the new service."""
        window = Window(answer.sent, answer.received)
        if answer.status != 200:
            return
        if request.operation == "POST /api/agents/register":
            self._register(request.body)
        elif request.operation == "DELETE /api/agents/{agentId}":
            self._forget(number(request.path["agentId"]), window)
        elif request.operation == "POST /api/sessions/create":
            self._create(request.body, answer, window)
        elif request.operation == "POST /api/sessions/{sessionId}/end":
            session = self.sessions.get(request.path["sessionId"])
            if session is not None and session.live:
                session.ended = window
        elif request.operation == "GET /api/sessions/{sessionId}":
            self._read(request.path["sessionId"], answer)

    def change(self, what: str) -> None:
        """Take in what was done to the service."""
        if what == "restart":
            self.restarts += 1
        elif what in FAULTS:
            self.faults.add(what)
        else:
            self.faults = {fault for fault in self.faults if FAULTS[fault] != what}

    def _register(self, body: Any) -> None:
        if not isinstance(body, dict) or "agentId" not in body:
            return
        agent_id = body["agentId"]
        if isinstance(agent_id, float) and agent_id.is_integer():
            agent_id = int(agent_id)  # 7.0 is 7, and told as 7
        agent = self.agents.setdefault(agent_id, Agent(agent_id))
        if not agent.registered:
            self.order.append(agent.id)
        agent.registered, agent.tenant = True, body.get("tenantId")
        agent.config = body.get("config")

    def _forget(self, agent_id: Any, window: Window) -> None:
        agent = self.agents.get(agent_id)
        if agent is None or not agent.registered:
            return
        agent.registered = False
        self.order.remove(agent.id)
        for session in agent.sessions:
            if session.live:
                session.ended = window

    def _read(self, session_id: str, answer: Answer) -> None:
        """A time that was told once must be told the same again."""
        session = self.sessions.get(session_id)
        found = parse(answer).value
        if session is None or not isinstance(found, dict):
            return
        started, ended = found.get("startedAt"), found.get("endedAt")
        if session.started_text is None and isinstance(started, str):
            session.started_text = started
        if session.ended_text is None and isinstance(ended, str):
            session.ended_text = ended

    def _create(self, body: Any, answer: Answer, window: Window) -> None:
        found = plain(parse(answer).value)
        session_id = pointed(found, "/session/sessionId")
        room = pointed(found, "/session/roomName")
        if not isinstance(body, dict) or not isinstance(session_id, str):
            return
        agent_id = body.get("agentId")
        session = Session(session_id, agent_id, body.get("tenantId"), str(room), body, window)
        self.sessions[session_id] = session
        self.agents.setdefault(agent_id, Agent(agent_id)).sessions.append(session)


def in_range(sessions: list[Session], query: Mapping[str, list[str]]) -> list[Session]:
    """The sessions that started between startDate and endDate."""
    start = _moment(query.get("startDate", [""])[0], end=False)
    end = _moment(query.get("endDate", [""])[0], end=True)
    return [
        session
        for session in sessions
        if (start is None or session.created.latest >= start)
        and (end is None or session.created.earliest <= end)
    ]


def _moment(text: str, *, end: bool) -> float | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) <= len(date.min.isoformat()) and end:
        found += timedelta(days=1)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def tenant_sessions(world: World, tenant_id: Any) -> Iterator[Session]:
    """All sessions of a tenant."""
    return (session for session in world.sessions.values() if session.tenant == tenant_id)
