"""What the requests so far have made true: the words in which the ledger speaks of state.

The old service cannot tell (it loses its sessions), so the facts follow the requests and the new
service's own answers: an agent that it said is registered is registered. A wrong answer is a
finding in its own place; the facts only make the answers after it predictable.
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from contract.corpus import RECORDED_KEY
from contract.documents import Kind, parse, parse_json, plain
from contract.identity import pointed
from contract.messages import Answer, Request
from contract.specification import Specification
from contract.typed_values import Window

DATES: Final = ("startDate", "endDate")
MAX_ID: Final = 2**31 - 1
_GUARDED: Final = re.compile(r"/api/(agents|sessions|metrics)(/|$)")
_DATE: Final = re.compile(
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII | re.IGNORECASE
)
DEFAULT_SESSIONS: Final = 100  # MAX_SESSIONS_PER_AGENT when nobody sets it


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """A request as the ledger sees it.

    `known` tells that the contract has the operation, `allow` the methods of its path. `key` is
    none, right or wrong; `body` the parsed JSON, None when there is none or it does not parse;
    `json` that it does. `guarded` tells that the path needs the key. `size` and `head` count bytes.
    `bad_date` names the first date parameter that is not what the contract says, `date_twice` the
    first that stands twice.
    """

    operation: str
    known: bool
    allow: list[str]
    takes_body: bool
    method: str
    target: str
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: Any
    json: bool
    content_type: str
    content_type_line: str
    guarded: bool
    key: str
    size: int
    head: int
    bad_date: str | None
    date_twice: str | None

    @property
    def unholdable(self) -> bool:
        """Whether the body holds what no JSON text or no database may: 1e999, half surrogates."""
        return _holds_too_much(self.json_body)

    @property
    def json_body(self) -> Any:
        """The body as both services see it: nothing when it is not of type JSON."""
        return self.body if self.content_type == "application/json" else None


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
        elif what.endswith("-away"):
            self.faults.add(what)
        elif what.endswith("-back"):
            self.faults.discard(what.removesuffix("-back") + "-away")

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


def request_facts(request: Request, spec: Specification) -> RequestFacts:
    """A symbolic request as the ledger sees it."""
    match = spec.match(request.method, request.path)
    body, valid = _body(request)
    query = parse_qs(request.query, keep_blank_values=True)
    return RequestFacts(
        operation=match.name,
        known=match.known,
        allow=list(match.allow),
        takes_body="requestBody" in spec.operations.get(match.name, {}),
        method=request.method,
        target=request.target,
        path=match.path,
        query=query,
        body=body,
        json=valid,
        content_type=(request.header("content-type") or "").partition(";")[0].strip().lower(),
        content_type_line=request.header("content-type") or "",
        guarded=_GUARDED.match(unquote(request.path)) is not None,
        key=_key(request.header("authorization")),
        size=len(request.body),
        head=len(request.raw("127.0.0.1:8080")) - len(request.body),
        bad_date=next((n for n in DATES if n in query and not _is_date(query[n][0])), None),
        date_twice=next((n for n in DATES if len(query.get(n, ())) > 1), None),
    )


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


def number(text: str) -> int | None:
    """An id of the contract from a path (7.0 is 7), None for anything else."""
    found = re.fullmatch(r"([1-9][0-9]{0,9})(\.0+)?", text)
    return int(found[1]) if found and int(found[1]) <= MAX_ID else None


def _holds_too_much(value: Any) -> bool:
    if isinstance(value, str):
        return any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, float):
        return math.isinf(value)
    if isinstance(value, dict):
        return any(_holds_too_much(item) for pair in value.items() for item in pair)
    return isinstance(value, list) and any(map(_holds_too_much, value))


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return _DATE.fullmatch(text) is not None


def _moment(text: str, *, end: bool) -> float | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) <= len(date.min.isoformat()) and end:
        found += timedelta(days=1)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _body(request: Request) -> tuple[Any, bool]:
    try:
        return plain(parse_json(_text(request), keys_twice=True)), True
    except (ValueError, RecursionError, LookupError, EOFError, zlib.error):
        return None, False


def _text(request: Request) -> str:
    """The body without its framing, compression and charset, whether or not these are allowed."""
    body = request.body
    if (request.header("transfer-encoding") or "").lower() == "chunked":
        body = b"".join(re.split(rb"(?:\A|\r\n)[0-9a-fA-F]+\r\n", body))
        body = body.removesuffix(b"\r\n")
    if (request.header("content-encoding") or "").lower() == "gzip":
        body = gzip.decompress(body)
    charset = re.search(r"charset=\"?([\w-]+)", request.header("content-type") or "", re.IGNORECASE)
    text = body.decode(charset[1] if charset else "utf-8")
    return text.removeprefix("\ufeff")


def _key(header: str | None) -> str:
    """As both services read it: the text "Bearer " is removed, what is left is compared."""
    if header is None:
        return "none"
    return "right" if header.replace("Bearer ", "", 1) == RECORDED_KEY else "wrong"


def answer_facts(answer: Answer) -> dict[str, Any]:
    """An answer as the ledger sees it."""
    document = parse(answer)
    return {
        "status": answer.status,
        "kind": str(document.kind),
        "text": document.text,
        "body": plain(document.value) if document.kind is Kind.JSON else None,
        "headers": {name.lower(): value for name, value in answer.headers},
    }


def tenant_sessions(world: World, tenant_id: Any) -> Iterator[Session]:
    """All sessions of a tenant."""
    return (session for session in world.sessions.values() if session.tenant == tenant_id)
