"""The expected state of the agent API after the requests so far.

The old service cannot show its state, since it loses its sessions. So the state follows from the
requests and the new service's own answers: an agent is registered when the new service said so. A wrong
answer is a finding in its own place; the state only makes the answers after it predictable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from contract.agent_api.model.addresses import addresses_at_fault
from contract.agent_api.model.figures import agent_words, session_words, tenant_words
from contract.agent_api.model.livekit_calls import joining, leaving
from contract.agent_api.model.state import FIGURES, Agent, Session, folded, hashable, number
from contract.agent_api.model.truth import truth
from contract.agent_api.model.warnings import Warnings
from contract.agent_api.model.zod_issues import faults, nul_faults
from contract.api.facts import RequestFacts
from contract.api.specification import Specification
from contract.api.world import World
from contract.http.messages import Answer
from contract.values.documents import parse, plain
from contract.values.pointers import pointed
from contract.values.typed_values import Window


@dataclass(slots=True)
class AgentWorld(World):
    """Agents and sessions by id; `order` has the registered agents in the order of the list."""

    agents: dict[Any, Agent] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    order: list[Any] = field(default_factory=list)

    def agent(self, agent_id: Any) -> Agent:
        """The agent of this id; one that was never registered counts as not registered."""
        return self.agents.get(agent_id) or Agent(agent_id)

    def change(self, what: str, repairs: Mapping[str, str]) -> None:
        """Take in a change; `figures-stored` puts rows into the database of the new service."""
        World.change(self, what, repairs)
        if what == "figures-stored":
            for session in self.sessions.values():
                session.rows = FIGURES.get(session.room, ())

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

    def words(self, known: Mapping[str, Any], spec: Specification) -> dict[str, Any]:
        """The words of the agent API's ledger for one step.

        world, agent, tenant, session: the state before the step; session is none when unknown.
        figures: the metrics of the session.
        truth: the body of a success of this operation, by this state.
        faults, nul, config_at_fault: what the new service must say about the faults of a body.
        warnings: those of a registration that is not at fault.
        number(text): an id of a path. joining(id, room, body), leaving(sessions): calls to LiveKit.
        """
        request: RequestFacts = known["request"]
        body = request.json_body if isinstance(request.json_body, dict) else {}
        path, query = request.path, request.query
        named = number(path["agentId"]) if "agentId" in path else body.get("agentId")
        tenant = number(path.get("tenantId", "")) or hashable(body.get("tenantId"))
        session = self.sessions.get(path.get("sessionId", ""))
        words = {
            "world": replace(self, order=list(self.order), faults=set(self.faults)),
            "agent": agent_words(self.agent(hashable(named)), query),
            "tenant": tenant_words(tenant, self.sessions.values(), query),
            "session": None if session is None else replace(session),
            "figures": session_words([] if session is None else [session]),
            "faults": faults(request.operation, request.json_body, known["old"]["body"]),
            "nul": nul_faults(request.json_body),
            "config_at_fault": _config_at_fault(body, spec),
            "warnings": Warnings(spec.document).of(body.get("config")),
            "joining": joining,
            "leaving": leaving,
            "number": number,
        }
        return {**words, "truth": truth({**known, **words})}

    def _register(self, body: Any) -> None:
        if not isinstance(body, dict) or "agentId" not in body:
            return
        agent_id = body["agentId"]
        if isinstance(agent_id, float) and agent_id.is_integer():
            agent_id = int(agent_id)  # 7.0 is 7, and answers show 7
        agent = self.agents.setdefault(agent_id, Agent(agent_id))
        if not agent.registered:
            self.order.append(agent.id)
        agent.registered, agent.tenant = True, hashable(body.get("tenantId"))
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
        """Take in the times of a session: later answers must show the same text."""
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
        agent_id, tenant = hashable(body.get("agentId")), hashable(body.get("tenantId"))
        session = Session(session_id, agent_id, tenant, str(room), body, window)
        self.sessions[session_id] = session
        self.agents.setdefault(agent_id, Agent(agent_id)).sessions.append(session)


def _config_at_fault(body: Mapping[str, Any], spec: Specification) -> bool:
    config = body.get("config")
    # A name is checked as it is: a line break at its end counts.
    return isinstance(config, dict) and (
        not spec.is_valid("AgentConfig", _trimmed(config) | _name_of(config))
        or addresses_at_fault(config)
        or _spelled_twice(config)
    )


def _name_of(config: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": config["name"]} if "name" in config else {}


def _spelled_twice(value: Any) -> bool:
    """Whether some object has a key in two spellings, with different values."""
    if isinstance(value, list):
        return any(map(_spelled_twice, value))
    if not isinstance(value, dict):
        return False
    first: dict[str, Any] = {}
    twice = [True for key, item in value.items() if first.setdefault(folded(key), item) != item]
    return bool(twice) or any(map(_spelled_twice, value.values()))


def _trimmed(value: Any) -> Any:
    """A configuration as the service reads it: blanks around a text do not count."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dict):
        return {key: _trimmed(item) for key, item in value.items()}
    return [_trimmed(item) for item in value] if isinstance(value, list) else value
