"""The contract as a small pure program: what each operation answers after any sequence of others.

Two dialects: what the Node.js version does, and what the contract has in its place. They share the state;
where they part, a row of docs/departures.md says so. A reply holds sessions by their number, so that the
replies of services can be compared with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from contract.agent_api.explore.operations import (
    AgentFigures,
    Create,
    Delete,
    End,
    Operation,
    Read,
    Register,
    Restart,
    SessionFigures,
    Status,
    TenantFigures,
)
from contract.agent_api.model.state import DEFAULT_SESSIONS

_SUCCESS: Final = {"success": True}


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and a body; None is an empty body. Times are left out, ids are `#0`, `#1` ..."""

    status: int
    body: Any


@dataclass(slots=True)
class Agent:
    """A registered agent."""

    tenant: int
    limit: int | None


@dataclass(slots=True)
class Session:
    """A session, live or over."""

    agent: int
    tenant: int
    room: str
    live: bool = True


@dataclass
class Contract:
    """What the contract promises."""

    agents: dict[int, Agent] = field(default_factory=dict)
    sessions: list[Session | None] = field(default_factory=list)

    def reply(self, operation: Operation) -> Reply:
        """Answer an operation, and change the state accordingly. A create that fails has no session."""
        match operation:
            case Register(agent, tenant, limit):
                return self.register(agent, tenant, limit)
            case Delete(agent):
                return self.delete(agent)
            case Create():
                return self.create(operation)
            case End(session):
                return self.end(session)
            case Restart():
                return self.restart()
            case _:
                return self._shown(operation)

    def _shown(self, operation: Operation) -> Reply:
        """The answer to a read, which changes nothing."""
        match operation:
            case Status(agent):
                return self.status(agent)
            case Read(session):
                return self.read(session)
            case SessionFigures(session):
                return self.session_figures(session)
            case AgentFigures(agent):
                return self.agent_figures(agent)
            case TenantFigures(tenant):
                return self.tenant_figures(tenant)
            case _:
                return Reply(200, {"agents": list(self.agents)})

    def register(self, agent: int, tenant: int, limit: int | None) -> Reply:
        """A second registration keeps the place in the list, and the sessions."""
        self.agents[agent] = Agent(tenant, limit)
        return Reply(200, {**_SUCCESS, "agentId": agent})

    def delete(self, agent: int) -> Reply:
        """Its sessions end; deleting what is not there succeeds."""
        if agent in self.agents:
            for session in self.live_of(agent):
                session.live = False
            del self.agents[agent]
        return Reply(200, _SUCCESS)

    def status(self, agent: int) -> Reply:
        """Nobody is registered, or so many sessions of so many."""
        found = self.agents.get(agent)
        if found is None:
            return Reply(200, _status(registered=False, busy=0, limit=0))
        return Reply(200, _status(registered=True, busy=self.busy(agent), limit=self.limit(found)))

    def create(self, asked: Create) -> Reply:
        """A session, unless nobody is registered or all places are taken."""
        number = len(self.sessions)
        found = self.agents.get(asked.agent)
        if found is None:
            self.sessions.append(None)
            return _refused(f"Agent {asked.agent} not registered")
        limit = self.limit(found)
        if limit is not None and self.busy(asked.agent) >= limit:
            self.sessions.append(None)
            return _refused(f"Agent {asked.agent} is at capacity ({limit} sessions)")
        room = self.room(asked.room, number)
        self.sessions.append(Session(asked.agent, asked.tenant, room))
        return Reply(200, {**_SUCCESS, "session": {"sessionId": f"#{number}", "roomName": room}})

    def end(self, number: int) -> Reply:
        """Ending twice is harmless."""
        session = self.sessions[number]
        if session is None:
            return _refused(f"Session #{number} not found")
        session.live = False
        return Reply(200, _SUCCESS)

    def read(self, number: int) -> Reply:
        """A session stays readable after its end."""
        session = self.sessions[number]
        if session is None:
            return Reply(404, {"error": f"Session #{number} not found"})
        found = {
            "sessionId": f"#{number}",
            "agentId": session.agent,
            "tenantId": session.tenant,
            "roomName": session.room,
            "status": "connecting" if session.live else "ended",
            "startedAt": "then",
        }
        ended = {} if session.live else {"endedAt": "then"}
        return Reply(200, {**found, **ended, "participantCount": 0})

    def session_figures(self, number: int) -> Reply:
        """No agent ever spoke, so all is 0."""
        if self.sessions[number] is None:
            return Reply(404, {"error": f"Session #{number} not found"})
        figures = {"messageCount": 0, "avgLatency": 0, "totalCost": 0}
        return Reply(200, {"sessionId": f"#{number}", **figures})

    def agent_figures(self, agent: int) -> Reply:
        """All sessions that the agent ever had."""
        found = [s for s in self.sessions if s is not None and s.agent == agent]
        counts = {"totalSessions": len(found), "activeSessions": sum(s.live for s in found)}
        return Reply(200, {"agentId": agent, **counts, "avgLatency": 0, "totalCost": 0})

    def tenant_figures(self, tenant: int) -> Reply:
        """By the tenant of each session, which need not be its agent's."""
        found = [s for s in self.sessions if s is not None and s.tenant == tenant]
        busy = len({session.agent for session in found if session.live})
        counts = {"activeAgents": busy, "totalSessions": len(found)}
        return Reply(200, {"tenantId": tenant, **counts, "totalCost": 0})

    def restart(self) -> Reply:
        """Everything outlives a restart."""
        return Reply(0, None)

    def limit(self, agent: Agent) -> int | None:
        """The sessions that an agent may hold; None is any number."""
        return DEFAULT_SESSIONS if agent.limit is None else agent.limit

    def room(self, asked: str, number: int) -> str:
        """The room of a session."""
        return asked or f"session-#{number}"

    def busy(self, agent: int) -> int:
        """The places that are taken."""
        return len(self.live_of(agent))

    def live_of(self, agent: int) -> list[Session]:
        """The live sessions of an agent."""
        return [s for s in self.sessions if s is not None and s.agent == agent and s.live]


@dataclass
class Node(Contract):
    """What the Node.js version does instead: its session ids lead nowhere, and it counts nothing."""

    taken: dict[int, int] = field(default_factory=dict)

    def delete(self, agent: int) -> Reply:
        """Its places are free again."""
        self.taken.pop(agent, None)
        return super().delete(agent)

    def status(self, agent: int) -> Reply:
        """Without a limit of its own, an agent has no `maxSessions`."""
        found = super().status(agent)
        if agent in self.agents and self.agents[agent].limit is None:
            del found.body["maxSessions"]
        return found

    def create(self, asked: Create) -> Reply:
        """A place is taken for good."""
        found = super().create(asked)
        if found.status == 200:
            self.taken[asked.agent] = self.taken.get(asked.agent, 0) + 1
        return found

    def end(self, number: int) -> Reply:
        """The id in the answer to create is not the session's (N23)."""
        return _refused(f"Session #{number} not found")

    def read(self, number: int) -> Reply:
        """An empty body (N24)."""
        del number
        return Reply(200, None)

    def session_figures(self, number: int) -> Reply:
        """JSON's null (N27), which is not an empty body."""
        del number
        return Reply(200, "null")

    def agent_figures(self, agent: int) -> Reply:
        """All figures are 0 (N26)."""
        counts = {"totalSessions": 0, "activeSessions": 0, "avgLatency": 0, "totalCost": 0}
        return Reply(200, {"agentId": agent, **counts})

    def tenant_figures(self, tenant: int) -> Reply:
        """All figures are 0 (N26)."""
        return Reply(
            200, {"tenantId": tenant, "activeAgents": 0, "totalSessions": 0, "totalCost": 0}
        )

    def restart(self) -> Reply:
        """All is forgotten."""
        self.agents.clear()
        self.taken.clear()
        return Reply(0, None)

    def limit(self, agent: Agent) -> int | None:
        """There is no default."""
        return agent.limit

    def room(self, asked: str, number: int) -> str:
        """An empty name stays empty (N21)."""
        del number
        return asked

    def busy(self, agent: int) -> int:
        """Every session that it created since it was registered, ended or not."""
        return self.taken.get(agent, 0)


def _status(*, registered: bool, busy: int, limit: int | None) -> dict[str, Any]:
    return {
        "registered": registered,
        "active": registered,
        "activeSessions": busy,
        "maxSessions": limit,
    }


def _refused(words: str) -> Reply:
    return Reply(400, {"error": words})
