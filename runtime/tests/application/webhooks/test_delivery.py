"""Webhooks from a session's change to a real receiver: outages, kills, order, 410, signatures."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook

from agent_runtime.agents.templates import Templates
from agent_runtime.application.registration import Registrar
from agent_runtime.application.webhooks.delivery import MOST_ATTEMPTS, WebhookDelivery, pause_after
from agent_runtime.application.webhooks.subscriptions import SubscriptionLookup
from agent_runtime.domain.clock import Clock
from agent_runtime.domain.errors import InvalidAgentConfig
from agent_runtime.domain.lease import Holder
from agent_runtime.domain.ports.webhooks import DeliveryState
from agent_runtime.domain.session import ENDED_OVER_HTTP, Session, SessionStatus, new_session
from agent_runtime.egress.policy import EgressPolicy
from agent_runtime.settings import Settings
from agent_runtime.storage import (
    Database,
    RegisteredAgents,
    StoredSessions,
    StoredWebhooks,
    open_database,
)
from agent_runtime.storage.schema.development import create_schema
from agent_runtime.wiring.webhooks import HttpSender
from fixtures.servers import PostgresServer, postgres_server

AGENT = 7
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"o" * 24).decode()
HOLDER = Holder("job-1", "worker-1", 1)
POLICY = EgressPolicy.of("http://127.0.0.1")


@dataclass
class Receiver:
    """A receiver that answers with one status, and keeps what it got."""

    url: str = ""
    status: int = 200
    got: list[tuple[dict[str, str], str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """Keep a message and answer."""
        self.got.append((dict(request.headers), await request.text()))
        return web.Response(status=self.status)

    @property
    def types(self) -> list[str]:
        """The types of the messages, in order."""
        return [json.loads(body)["type"] for _, body in self.got]


class Time:
    """A clock that is set forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def steady(self) -> float:
        """Seconds that it was set forward."""
        return self.ahead.total_seconds()

    def clock(self) -> Clock:
        """The clock."""
        return Clock(lambda: datetime.now(UTC) + self.ahead, self.steady)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database that is ready for use."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'runtime.sqlite3'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database() as made:
        create_schema(made)
        yield made


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """An open database."""
    opened = open_database(url)
    yield opened
    await opened.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """The receiver, listening."""
    made = Receiver()
    app = web.Application()
    app.router.add_post("/hook", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield made
    await runner.cleanup()


class World:
    """A database with its agent, and processes that deliver from it."""

    def __init__(self, database: Database, default_url: str = "") -> None:
        self.sessions = StoredSessions(database)
        self.agents = RegisteredAgents(database, self.sessions)
        self.store = StoredWebhooks(database)
        self.default_url = default_url
        self.time = Time()
        providers = Settings.load({}).providers.defaults(POLICY)
        self.registrar = Registrar(self.agents, providers, 100, Templates())

    def process(self) -> WebhookDelivery:
        """A new process's delivery."""
        lookup = SubscriptionLookup(self.agents, Templates(), self.default_url)
        sender = HttpSender(POLICY, self.default_url)
        return WebhookDelivery(self.store, lookup, sender, lambda: True, self.time.clock())

    async def call(self, *, is_over: bool = True) -> Session:
        """A session from create to its end."""
        session = new_session(AGENT, 3, "")
        await self.sessions.create(session)
        await self.sessions.activate(session.session_id, HOLDER)
        if is_over:
            await self.sessions.finish(session.session_id, SessionStatus.ENDED, ENDED_OVER_HTTP)
        return session

    async def passes(self, number: int, process: WebhookDelivery | None = None) -> None:
        """So many passes, each with its outcomes, an hour of the clock after the other."""
        process = process or self.process()
        for _ in range(number):
            await process.deliver()
            await process.settled()
            self.time.ahead += timedelta(hours=6)


@pytest.fixture
async def world(database: Database) -> World:
    """The world."""
    return World(database)


async def register(world: World, **config: Any) -> None:
    """Register the agent."""
    await world.registrar.register(AGENT, 3, config)


async def test_messages_are_signed_and_in_order(world: World, receiver: Receiver) -> None:
    """Start and end of a session arrive in order, and both secrets of a rotation verify them."""
    await register(world, webhooks=[{"url": receiver.url, "secret": f"{SECRET} {OLD_SECRET}"}])
    session = await world.call()
    await world.passes(3)
    assert receiver.types == ["session.started", "session.ended"]
    for headers, body in receiver.got:
        for secret in (SECRET, OLD_SECRET):
            Webhook(secret).verify(body, headers)
        with pytest.raises(Exception, match="signature"):
            Webhook(SECRET).verify(body + " ", headers)
    ended = json.loads(receiver.got[1][1])["data"]
    assert ended["sessionId"] == session.session_id
    assert (ended["status"], ended["reason"]) == ("ended", "ended_by_api")


async def test_receiver_that_was_down_gets_everything_in_order(
    world: World, receiver: Receiver
) -> None:
    """What failed is sent again with the same id, and nothing later of the session overtakes it."""
    receiver.status = 503
    await register(world, webhooks=[{"url": receiver.url, "secret": SECRET}])
    await world.call()
    await world.passes(3)
    assert receiver.types == ["session.started"] * 3
    receiver.status = 204
    await world.passes(2)
    assert receiver.types[3:] == ["session.started", "session.ended"]
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 2


async def test_killed_process_loses_nothing(world: World, receiver: Receiver) -> None:
    """What a process left behind at any step is delivered by the next process, as one message."""
    await register(world, webhooks=[{"url": receiver.url}])
    await world.call()  # killed before the event was seen
    first = world.process()
    await first.deliver()  # killed while the request was under way: its outcome is not stored
    running = set(first._running)
    for task in running:
        task.cancel()
    await first.settled()
    world.time.ahead += timedelta(minutes=5)
    await world.passes(3)
    assert list(dict.fromkeys(receiver.types)) == ["session.started", "session.ended"]
    assert {one.state for one in await world.store.listed(None)} == {DeliveryState.DELIVERED}


async def test_dead_letters_can_be_sent_again(world: World, receiver: Receiver) -> None:
    """After the last attempt a delivery is dead and the next one goes; redeliver brings it back."""
    receiver.status = 500
    await register(world, webhooks=[{"url": receiver.url, "events": ["session.ended"]}])
    await world.call()
    await world.passes(MOST_ATTEMPTS + 2)
    assert receiver.types == ["session.ended"] * MOST_ATTEMPTS
    receiver.status = 200
    assert await world.store.redeliver(None) == 1
    await world.passes(1)
    assert len(receiver.got) == MOST_ATTEMPTS + 1


async def test_gone_address_is_switched_off(world: World, receiver: Receiver) -> None:
    """After 410 the address is not called again, for this session or another, until a registration."""
    receiver.status = 410
    hooks = [{"url": receiver.url}]
    await register(world, webhooks=hooks)
    await world.call()
    await world.passes(3)
    await world.call()
    await world.passes(3)
    assert receiver.types == ["session.started"]
    receiver.status = 200
    await register(world, webhooks=hooks)
    await world.call()
    await world.passes(3)
    assert receiver.types[1:] == ["session.started", "session.ended"]


async def test_end_by_deletion_is_told(world: World, receiver: Receiver) -> None:
    """The end of sessions whose agent was deleted is told to the addresses that it had."""
    await register(world, webhooks=[{"url": receiver.url}])
    await world.call(is_over=False)
    await world.agents.unregister(AGENT)
    await world.passes(3)
    assert receiver.types == ["session.started", "session.ended"]
    assert json.loads(receiver.got[1][1])["data"]["reason"] == "agent_deleted"


async def test_completion_webhook_keeps_its_body(world: World, receiver: Receiver) -> None:
    """The webhook of agent files gets its own form of body with its headers, and no words."""
    hook = {"url": receiver.url, "headers": {"X-Key": "k"}, "retry_count": 3, "timeout": 30}
    await register(world, name="Front desk", completionWebhook=hook)
    session = await world.call()
    await world.passes(3)
    ((headers, body),) = receiver.got
    assert headers["X-Key"] == "k"
    report = json.loads(body)
    assert report["transcript"]["metadata"]["call_id"] == session.session_id
    assert report["transcript"]["metadata"]["agent_name"] == "Front desk"
    assert report["transcript"]["messages"] == []
    assert report["formatted_transcript"] == ""


async def test_default_address_is_for_agents_that_name_none(
    database: Database, receiver: Receiver
) -> None:
    """COMPLETION_WEBHOOK_URL gets the ends of agents without webhooks, and may be private."""
    world = World(database, receiver.url)
    world.process()
    await register(world)
    await world.passes(1)
    await world.call()
    await world.passes(2)
    assert len(receiver.got) == 1
    assert "transcript" in json.loads(receiver.got[0][1])


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"webhooks": [{}]}, "webhooks.0.url"),
        ({"webhooks": [{"url": "http://a.example/x"}]}, "webhooks.0.url"),
        ({"webhooks": [{"url": "https://10.0.0.1/x"}]}, "webhooks.0.url"),
        ({"webhooks": [{"url": "https://a.example", "secret": "mine"}]}, "webhooks.0.secret"),
        ({"webhooks": [{"url": "https://a.example", "events": ["all"]}]}, "webhooks.0.events.0"),
        ({"webhooks": [{"url": "https://a.example"}] * 2}, "webhooks.1.url"),
        ({"completionWebhook": {"url": "http://a.example"}}, "completionWebhook.url"),
        ({"completionWebhook": {"headers": {}}}, "completionWebhook.url"),
        (
            {"completionWebhook": {"url": "https://a.example", "headers": {"a\n": "b"}}},
            "completionWebhook.headers",
        ),
    ],
)
async def test_faulty_webhooks_are_refused(world: World, config: Any, field: str) -> None:
    """A faulty address, secret, event or header is refused at the registration, by its path."""
    with pytest.raises(InvalidAgentConfig) as caught:
        await register(world, **config)
    paths = [".".join(map(str, issue.path)) for issue in caught.value.issues]
    assert any(path.startswith(field) for path in paths)
    assert "mine" not in str(caught.value)


def test_attempts_go_on_for_about_a_day() -> None:
    """The pauses between all attempts add up to 18 to 30 hours, and none is above five hours."""
    pauses = [pause_after(number) for number in range(1, MOST_ATTEMPTS)]
    assert 18 * 3600 < sum(pauses) < 30 * 3600
    assert max(pauses) < 5 * 3600
