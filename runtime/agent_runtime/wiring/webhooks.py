"""Webhooks: their delivery beside the API, and what an operator does about them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import aiohttp

from agent_runtime.domain.ports.webhooks import Delivery, DeliveryState, WebhookEvent
from agent_runtime.egress.policy import AllowedHost, EgressPolicy
from agent_runtime.egress.signed_post import signed_post
from agent_runtime.egress.urls import EgressRefused, read
from agent_runtime.secrecy.shown import escaped
from agent_runtime.secrecy.signatures import signature
from agent_runtime.settings import Settings
from agent_runtime.wiring.database import open_database

if TYPE_CHECKING:
    from agent_runtime.application.webhooks.delivery import WebhookDelivery
    from agent_runtime.application.webhooks.subscriptions import SubscriptionLookup
    from agent_runtime.storage import Database, StoredWebhooks


class HttpSender:
    """Implements the port Sender. The operator's own address may be private."""

    def __init__(self, policy: EgressPolicy, own_url: str = "") -> None:
        self._policy = policy
        self._own_url = own_url

    async def send(self, delivery: Delivery) -> int:
        """Sign the delivery anew, send it, and return the status."""
        timestamp = int(time.time())
        message = (delivery.message_id, timestamp, delivery.body)
        try:
            return await signed_post(
                self._policy_for(delivery.url),
                delivery.url,
                delivery.body,
                message_id=delivery.message_id,
                timestamp=timestamp,
                signature=None if delivery.secret is None else signature(delivery.secret, *message),
                headers=delivery.headers,
                seconds=delivery.seconds,
            )
        except TimeoutError as error:
            raise OSError(f"no answer within {delivery.seconds:g} s") from error
        except aiohttp.ClientResponseError as error:
            raise OSError(f"HTTP {error.status}: redirects are not followed") from error
        except (aiohttp.ClientError, EgressRefused, ValueError) as error:
            raise OSError(escaped(f"{type(error).__name__}: {error}")) from error

    def _policy_for(self, url: str) -> EgressPolicy:
        if not self._own_url or url != self._own_url:
            return self._policy
        target = read(url)
        own = AllowedHost(target.host, target.port)
        return replace(self._policy, hosts=(*self._policy.hosts, own))


def webhook_delivery(
    settings: Settings, database: Database, leads: Callable[[], bool]
) -> WebhookDelivery:
    """The delivery, for a process that works while `leads` says so."""
    from agent_runtime.application.webhooks.delivery import WebhookDelivery

    return WebhookDelivery(
        _store(settings, database), _lookup(settings, database), _sender(settings), leads
    )


async def listed(settings: Settings, session_id: str | None) -> Sequence[Delivery]:
    """The latest deliveries, or those of a session. Raises StoreUnavailable."""
    async with _opened(settings) as database:
        return await _store(settings, database).listed(session_id)


async def redeliver(settings: Settings, number: int | None) -> int:
    """Have one delivery, or all that were given up, sent again; returns how many.

    Raises StoreUnavailable.
    """
    async with _opened(settings) as database:
        return await _store(settings, database).redeliver(number)


async def send_tests(settings: Settings, agent_id: int) -> Sequence[tuple[str, str]]:
    """Send a test to each address of the agent, and return address and outcome of each.

    Raises StoreUnavailable, SecretsUnreadable or InvalidAgentConfig.
    """
    from agent_runtime.application.webhooks.bodies import trial_body

    now = datetime.now(UTC)
    sender, outcomes = _sender(settings), []
    async with _opened(settings) as database:
        found = await _lookup(settings, database).find(agent_id)
    for one in found.subscriptions:
        test = Delivery(
            0,
            f"msg_{uuid4().hex}",
            "",
            agent_id,
            WebhookEvent.TEST,
            one.url,
            trial_body(agent_id, now),
            DeliveryState.PENDING,
            0,
            now,
            now,
            secret=one.secret,
            headers=one.headers,
            seconds=one.seconds,
        )
        try:
            outcome = f"HTTP {await sender.send(test)}"
        except OSError as error:
            outcome = str(error)
        outcomes.append((one.url, outcome))
    return outcomes


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    database = open_database(settings, connections=1)
    try:
        await database.check()
        yield database
    finally:
        await database.close()


def _store(settings: Settings, database: Database) -> StoredWebhooks:
    from agent_runtime.storage import StoredWebhooks

    return StoredWebhooks(database, settings.secrets.keyring())


def _lookup(settings: Settings, database: Database) -> SubscriptionLookup:
    from agent_runtime.application.webhooks.subscriptions import SubscriptionLookup
    from agent_runtime.storage import RegisteredAgents, StoredSessions
    from agent_runtime.wiring.sources import templates

    agents = RegisteredAgents(
        database, StoredSessions(database), keyring=settings.secrets.keyring()
    )
    return SubscriptionLookup(agents, templates(settings), settings.webhooks.completion_url)


def _sender(settings: Settings) -> HttpSender:
    return HttpSender(settings.egress.policy(), settings.webhooks.completion_url)
