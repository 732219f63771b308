"""Webhooks: who is told of what, what is owed, and what is delivered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from agent_runtime.domain.lease import Event
from agent_runtime.domain.session import Session


class WebhookEvent(StrEnum):
    """What a webhook can tell of, as `events` of a configuration and `type` of a body name it."""

    STARTED = "session.started"
    ENDED = "session.ended"
    TEST = "webhook.test"


class DeliveryState(StrEnum):
    """`dead` was tried for a day; `gone` was answered with 410, and its address is not called again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Subscription:
    """An address that is told of events. With `is_call_report` its body is that of agent files.

    `seconds` is the longest that a request may take.
    """

    url: str
    events: frozenset[WebhookEvent]
    secret: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    seconds: float = 10.0
    is_call_report: bool = False


@dataclass(frozen=True, slots=True)
class Owed:
    """An event of a session that is written and not yet in the table of deliveries."""

    number: int
    event: Event
    session: Session


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One event for one address, as it is stored."""

    message_id: str
    event: str
    subscription: Subscription
    body: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one address, as it is sent. `unreadable` says why its credentials are not known."""

    number: int
    message_id: str
    session_id: str
    agent_id: int
    event: str
    url: str
    body: str
    state: DeliveryState
    attempts: int
    next_at: datetime
    created_at: datetime
    detail: str = ""
    secret: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    seconds: float = 10.0
    unreadable: str = ""


class WebhookStore(Protocol):
    """What is owed and what is delivered. Methods raise StoreUnavailable."""

    async def is_used(self) -> bool:
        """Whether some agent has webhooks, or something is still to be delivered."""

    async def subscribe_all(self, *, wanted: bool) -> None:
        """Whether the events of every agent are owed, those without webhooks of their own included."""

    async def owed(self) -> Sequence[Owed]:
        """The first events that are owed, in order."""

    async def plan(self, owed: Owed, deliveries: Sequence[NewDelivery]) -> None:
        """Store the deliveries of an event, and that it is owed no longer, in one transaction.

        A message that is there already, or whose address answered 410, is not stored.
        """

    async def due(self, now: datetime) -> Sequence[Delivery]:
        """The first deliveries that are due; of each session and address only the earliest one."""

    async def claim(self, delivery: Delivery, until: datetime) -> bool:
        """Keep others from sending it until then; False when somebody else has it."""

    async def settle(
        self, delivery: Delivery, state: DeliveryState, next_at: datetime, detail: str
    ) -> None:
        """Store what came of an attempt. `gone` settles all that is pending for the agent's address."""

    async def listed(self, session_id: str | None) -> Sequence[Delivery]:
        """The latest deliveries, or those of a session, the latest first."""

    async def redeliver(self, number: int | None) -> int:
        """Make a delivery, or all dead ones, due again; returns how many."""

    async def clear(self, before: datetime) -> None:
        """Delete what was delivered, or given up, before that time."""
