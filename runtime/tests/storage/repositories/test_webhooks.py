"""Webhooks in the database: what a session's change owes, deliveries in order, what a plain call costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.ports.webhooks import (
    DeliveryState,
    NewDelivery,
    Owed,
    Subscription,
    WebhookEvent,
)
from agent_runtime.domain.session import Session, SessionStatus, new_session
from agent_runtime.secrecy.keyring import Keyring
from agent_runtime.storage import Database, RegisteredAgents, StoredLeases, StoredSessions
from agent_runtime.storage.repositories.outbox.webhooks import StoredWebhooks
from agent_runtime.storage.repositories.sealed.rotation import StoredSecrets
from agent_runtime.storage.sql.database import Rows
from agent_runtime.storage.sql.statements import Step

from .holders import HOLDER

AGENT = 7
SUBSCRIPTION = Subscription(
    "https://a.example/hook", frozenset(WebhookEvent), "whsec_" + "A" * 32, {"X-Key": "mine"}
)


@pytest.fixture
def webhooks(database: Database) -> StoredWebhooks:
    """The webhooks of the database."""
    return StoredWebhooks(database, Keyring([b"k" * 32]))


async def registered(agents: RegisteredAgents, *, has_webhooks: bool = True) -> None:
    """The agent, told of or not."""
    await agents.register(Registration(AGENT, 3, {}, 100, has_webhooks=has_webhooks))


async def talking(sessions: StoredSessions) -> Session:
    """A session whose agent is in the room."""
    session = new_session(AGENT, 3, "")
    await sessions.create(session)
    await sessions.activate(session.session_id, HOLDER)
    return session


def delivery(owed: Owed, number: int = 0) -> NewDelivery:
    """A delivery of the event."""
    return NewDelivery(f"msg_{owed.number}_{number}", owed.event.kind, SUBSCRIPTION, "{}")


async def kinds(webhooks: StoredWebhooks) -> list[str]:
    """What is owed, in order."""
    return [one.event.kind for one in await webhooks.owed()]


async def test_whoever_ends_a_session_owes_its_end(
    agents: RegisteredAgents,
    sessions: StoredSessions,
    webhooks: StoredWebhooks,
    database: Database,
) -> None:
    """Start and end are owed by HTTP, the job, the supervisor and the agent's deletion alike, once each."""
    await registered(agents)
    by_http, by_job, deleted = [await talking(sessions) for _ in range(3)]
    given_up = new_session(AGENT, 3, "")
    await sessions.create(given_up)
    (live,) = [
        one
        for one in await StoredLeases(database).live()
        if one.session.session_id == given_up.session_id
    ]
    for _ in range(2):
        await sessions.finish(by_http.session_id, SessionStatus.ENDED, "ended over HTTP")
        await sessions.finish(by_job.session_id, SessionStatus.ERROR, "lost", by=HOLDER)
        await sessions.give_up(live, "no agent came")
        await agents.unregister(AGENT)
    found = [(one.session.session_id, one.event.kind) for one in await webhooks.owed()]
    assert sorted(found) == sorted(
        [
            *((one.session_id, "talking") for one in (by_http, by_job, deleted)),
            (by_http.session_id, "ended"),
            (by_job.session_id, "error"),
            (given_up.session_id, "error"),
            (deleted.session_id, "ended"),
        ]
    )


async def test_plain_calls_owe_nothing_and_cost_no_statement(
    agents: RegisteredAgents,
    sessions: StoredSessions,
    webhooks: StoredWebhooks,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A session takes the same number of statements with webhooks and without; without, nothing is owed."""
    counts = []
    write = database.write

    async def counting(*steps: Step) -> Rows:
        counts[-1] += len(steps)
        return await write(*steps)

    for has_webhooks in (False, True):
        await registered(agents, has_webhooks=has_webhooks)
        counts.append(0)
        with monkeypatch.context() as patch:
            patch.setattr(database, "write", counting)
            session = await talking(sessions)
            await sessions.finish(session.session_id, SessionStatus.ENDED, "ended over HTTP")
        expected = ["talking", "ended"] if has_webhooks else []
        assert await kinds(webhooks) == expected
        assert await webhooks.is_used() is has_webhooks
    # create: lock, place, event, row; activate: 4; end: 5. PostgreSQL's lock is one statement more.
    assert counts[0] == counts[1]
    assert counts[0] == 12 + len(database.lock(AGENT))


async def test_all_agents_can_be_told_of(
    agents: RegisteredAgents, sessions: StoredSessions, webhooks: StoredWebhooks
) -> None:
    """With a default address the events of agents without webhooks are owed; without it no longer."""
    await registered(agents, has_webhooks=False)
    await webhooks.subscribe_all(wanted=True)
    await webhooks.subscribe_all(wanted=True)
    await talking(sessions)
    assert await kinds(webhooks) == ["talking"]
    await webhooks.subscribe_all(wanted=False)
    await talking(sessions)
    assert await kinds(webhooks) == ["talking"]


async def test_deliveries_of_a_session_are_due_in_order(
    agents: RegisteredAgents, sessions: StoredSessions, webhooks: StoredWebhooks
) -> None:
    """The second delivery of a session is due when the first one is over; a claim is given once."""
    await registered(agents)
    session = await talking(sessions)
    await sessions.finish(session.session_id, SessionStatus.ENDED, "ended over HTTP")
    for owed in await webhooks.owed():
        await webhooks.plan(owed, [delivery(owed)])
        await webhooks.plan(owed, [delivery(owed)])
    assert await webhooks.owed() == []
    now = datetime.now(UTC) + timedelta(seconds=1)
    (first,) = await webhooks.due(now)
    assert (first.event, first.secret, first.headers) == (
        "talking",
        SUBSCRIPTION.secret,
        SUBSCRIPTION.headers,
    )
    assert await webhooks.claim(first, now + timedelta(minutes=1))
    assert not await webhooks.claim(first, now + timedelta(minutes=1))
    assert await webhooks.due(now) == []
    (again,) = await webhooks.due(now + timedelta(minutes=2))
    assert (again.number, again.attempts) == (first.number, 1)
    await webhooks.settle(again, DeliveryState.DELIVERED, now, "HTTP 200")
    (second,) = await webhooks.due(now)
    assert second.event == "ended"
    await webhooks.settle(second, DeliveryState.DEAD, now, "HTTP 500")
    assert await webhooks.due(now) == []
    assert [one.state for one in await webhooks.listed(session.session_id)] == ["dead", "delivered"]
    assert await webhooks.redeliver(None) == 1
    assert [one.number for one in await webhooks.due(now)] == [second.number]
    await webhooks.clear(now)
    assert [one.number for one in await webhooks.listed(None)] == [second.number]


async def test_gone_address_is_not_called_until_the_agent_is_registered_again(
    agents: RegisteredAgents, sessions: StoredSessions, webhooks: StoredWebhooks
) -> None:
    """After 410 nothing is planned for the agent's address; a registration ends that."""
    await registered(agents)
    now = datetime.now(UTC) + timedelta(seconds=1)
    for expected in (1, 0):
        await talking(sessions)
        for owed in await webhooks.owed():
            await webhooks.plan(owed, [delivery(owed)])
        due = await webhooks.due(now)
        assert len(due) == expected
        for one in due:
            await webhooks.settle(one, DeliveryState.GONE, now, "HTTP 410")
    await registered(agents)
    await talking(sessions)
    for owed in await webhooks.owed():
        await webhooks.plan(owed, [delivery(owed)])
    assert len(await webhooks.due(now)) == 1


async def test_credentials_are_encrypted_and_rotate(
    agents: RegisteredAgents,
    sessions: StoredSessions,
    webhooks: StoredWebhooks,
    database: Database,
) -> None:
    """Secret and headers are stored encrypted; a rotation gives them the new key; a lost key is told."""
    await registered(agents)
    await talking(sessions)
    for owed in await webhooks.owed():
        await webhooks.plan(owed, [delivery(owed)])
    (unread,) = await StoredWebhooks(database, Keyring([b"x" * 32])).listed(None)
    assert unread.secret is None
    assert "AGENT_RUNTIME_SECRET_KEY" in unread.unreadable
    await StoredSecrets(database, Keyring([b"n" * 32, b"k" * 32])).rotate()
    (read,) = await StoredWebhooks(database, Keyring([b"n" * 32])).listed(None)
    assert read.secret == SUBSCRIPTION.secret
