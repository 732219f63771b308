"""The repository of webhooks: events that are owed, and their deliveries.

The statement that writes an event of a session marks it as owed, in the transaction of the session's
change. From there the deliverer moves it here, so that nothing is lost between the change and its delivery.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import peewee
from peewee import fn

from agent_runtime.domain.errors import SecretsUnreadable
from agent_runtime.domain.lease import Event
from agent_runtime.domain.ports.webhooks import (
    Delivery,
    DeliveryState,
    NewDelivery,
    Owed,
)
from agent_runtime.secrecy.keyring import Keyring
from agent_runtime.storage.repositories.outbox.webhook_statements import (
    BATCH,
    DELIVERY,
    OWED,
    PENDING,
    THIS,
    due_deliveries,
    made_due,
    new_delivery,
    subscribe,
    unsubscribe,
)
from agent_runtime.storage.repositories.sealed.rotation import webhook_context
from agent_runtime.storage.repositories.sessions.rows import COLUMNS, NOW, session_from
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.runtime import SessionEvents, WebhookAgents, WebhookDeliveries
from agent_runtime.storage.schema.shared.sessions import Sessions
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import Step, bind
from agent_runtime.storage.sql.times import aware

LISTED: Final = 200
# Characters of a detail: the reason of a failure, for people.
LONGEST_DETAIL: Final = 500


class StoredWebhooks(Store):
    """Implements the port WebhookStore."""

    def __init__(self, database: Database, keyring: Keyring | None = None) -> None:
        """Secrets and headers are encrypted with the first key of `keyring`."""
        super().__init__(database)
        self._keyring = keyring or Keyring()

    _used = CompiledOnce(
        lambda: peewee.Select(
            columns=(
                fn.EXISTS(WebhookAgents.select()),
                fn.EXISTS(WebhookDeliveries.select().where(PENDING)),
                fn.EXISTS(SessionEvents.select(SessionEvents.id).where(OWED)),
            )
        )
    )

    async def is_used(self) -> bool:
        """Whether there is, or may be, something to deliver."""
        return any((await self._database.read(self._used.bind()))[0])

    _subscribe = CompiledOnce(subscribe)
    _unsubscribe = CompiledOnce(unsubscribe)

    async def subscribe_all(self, *, wanted: bool) -> None:
        """Write or delete the row that stands for all agents."""
        change = self._subscribe if wanted else self._unsubscribe
        await self._database.write(change.bind(agent_id=0))

    _first_owed = CompiledOnce(
        lambda: (
            SessionEvents.select(
                *COLUMNS,
                SessionEvents.id,
                SessionEvents.at,
                SessionEvents.kind,
                SessionEvents.detail,
            )
            .join(Sessions, on=(Sessions.session_id == SessionEvents.session_id))
            .where(OWED)
            .order_by(SessionEvents.id)
            .limit(BATCH)
        )
    )

    async def owed(self) -> list[Owed]:
        """The first events that are owed, with their sessions."""
        rows = await self._database.read_live(self._first_owed.bind())
        return [
            Owed(number, Event(aware(at), kind, detail), session_from(tuple(row)))
            for *row, number, at, kind, detail in rows
        ]

    _paid = CompiledOnce(
        lambda: SessionEvents.update({SessionEvents.owed: 0}).where(
            SessionEvents.id == bind("number", "bigint")
        )
    )

    _add = CompiledOnce(new_delivery)

    async def plan(self, owed: Owed, deliveries: Sequence[NewDelivery]) -> None:
        """Store the deliveries of the event and settle its mark."""
        await self._database.write(
            *(
                self._added(owed.session.session_id, owed.session.agent_id, one)
                for one in deliveries
            ),
            self._paid.bind(number=owed.number),
        )

    def _added(self, session_id: str, agent_id: int, new: NewDelivery) -> Step:
        one = new.subscription
        credentials = json.dumps(
            {"secret": one.secret, "headers": dict(one.headers), "seconds": one.seconds}
        )
        return self._add.bind(
            message_id=new.message_id,
            session_id=session_id,
            agent_id=agent_id,
            event=new.event,
            url=one.url,
            credentials=self._keyring.seal(credentials, webhook_context(agent_id)),
            body=new.body,
            now=self._database.now(),
        )

    _due = CompiledOnce(due_deliveries)

    async def due(self, now: datetime) -> list[Delivery]:
        """The first deliveries that are due."""
        rows = await self._database.read_live(self._due.bind(now=self._database.moment(now)))
        return [self._delivery(row) for row in rows]

    _claim = CompiledOnce(
        lambda: (
            WebhookDeliveries.update(
                {
                    WebhookDeliveries.next_at: bind("until", "timestamp"),
                    WebhookDeliveries.attempts: WebhookDeliveries.attempts + 1,
                }
            )
            .where(THIS, PENDING, WebhookDeliveries.attempts == bind("attempts", "integer"))
            .returning(WebhookDeliveries.id)
        )
    )

    async def claim(self, delivery: Delivery, until: datetime) -> bool:
        """Count the attempt before it is made; whoever counts it first makes it."""
        step = self._claim.bind(
            number=delivery.number,
            attempts=delivery.attempts,
            until=self._database.moment(until),
        )
        return bool(await self._database.write(step))

    _settle = CompiledOnce(
        lambda: WebhookDeliveries.update(
            {
                WebhookDeliveries.state: bind("state"),
                WebhookDeliveries.next_at: bind("next_at", "timestamp"),
                WebhookDeliveries.detail: bind("detail"),
            }
        ).where(THIS)
    )

    _all_gone = CompiledOnce(
        lambda: WebhookDeliveries.update({WebhookDeliveries.state: DeliveryState.GONE.value}).where(
            WebhookDeliveries.agent_id == bind("agent_id", "integer"),
            WebhookDeliveries.url == bind("url"),
            PENDING,
        )
    )

    async def settle(
        self, delivery: Delivery, state: DeliveryState, next_at: datetime, detail: str
    ) -> None:
        """Store what came of an attempt."""
        gone = self._all_gone.bind(agent_id=delivery.agent_id, url=delivery.url)
        await self._database.write(
            self._settle.bind(
                number=delivery.number,
                state=state.value,
                next_at=self._database.moment(next_at),
                detail=detail.replace("\0", "")[:LONGEST_DETAIL],
            ),
            *((gone,) if state is DeliveryState.GONE else ()),
        )

    _latest = CompiledOnce(
        lambda: (
            WebhookDeliveries.select(*DELIVERY).order_by(WebhookDeliveries.id.desc()).limit(LISTED)
        )
    )
    _of_session = CompiledOnce(
        lambda: (
            WebhookDeliveries.select(*DELIVERY)
            .where(WebhookDeliveries.session_id == bind("session_id"))
            .order_by(WebhookDeliveries.id.desc())
            .limit(LISTED)
        )
    )

    async def listed(self, session_id: str | None) -> list[Delivery]:
        """The latest deliveries, the latest first."""
        step = (
            self._latest.bind()
            if session_id is None
            else self._of_session.bind(session_id=session_id)
        )
        return [self._delivery(row) for row in await self._database.scan(step)]

    _again = CompiledOnce(
        lambda: made_due(THIS, WebhookDeliveries.state != DeliveryState.PENDING.value)
    )
    _dead_again = CompiledOnce(
        lambda: made_due(WebhookDeliveries.state == DeliveryState.DEAD.value)
    )

    async def redeliver(self, number: int | None) -> int:
        """Make them due at once, with attempts as at first."""
        now = self._database.now()
        step = (
            self._dead_again.bind(now=now)
            if number is None
            else self._again.bind(now=now, number=number)
        )
        return len(await self._database.write(step))

    _clear = CompiledOnce(
        lambda: WebhookDeliveries.delete().where(
            WebhookDeliveries.created_at < NOW,
            WebhookDeliveries.state.in_([DeliveryState.DELIVERED.value, DeliveryState.DEAD.value]),
        )
    )

    async def clear(self, before: datetime) -> None:
        """Delete what is over. Rows that say that an address is gone stay."""
        await self._database.write(self._clear.bind(now=self._database.moment(before)))

    def _delivery(self, row: tuple[Any, ...]) -> Delivery:
        (*values, state, attempts, next_at, created_at, detail, sealed) = row
        number, message_id, session_id, agent_id, event, url, body = values
        given: dict[str, Any] = {}
        unreadable = ""
        try:
            given = json.loads(self._keyring.open(sealed, webhook_context(agent_id)))
        except SecretsUnreadable as error:
            unreadable = str(error)
        return Delivery(
            number=number,
            message_id=message_id,
            session_id=session_id,
            agent_id=agent_id,
            event=event,
            url=url,
            body=body,
            state=DeliveryState(state),
            attempts=attempts,
            next_at=aware(next_at),
            created_at=aware(created_at),
            detail=detail,
            unreadable=unreadable,
            **given,
        )
