"""Delivers webhooks, in the API process that supervises the sessions.

What is owed becomes deliveries, one for each address. Those of a session reach an address in their order,
at least once: whatever is not answered with 2xx is sent again, with growing pauses, for about a day.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Final, Protocol

from agent_runtime.application.webhooks.bodies import planned
from agent_runtime.application.webhooks.subscriptions import SubscriptionLookup
from agent_runtime.domain.clock import MACHINE, Clock
from agent_runtime.domain.errors import InvalidAgentConfig, SecretsUnreadable, StoreUnavailable
from agent_runtime.domain.ports.webhooks import Delivery, DeliveryState, Owed, WebhookStore
from agent_runtime.telemetry.log_throttle import LogThrottle

logger = logging.getLogger(__name__)

# Seconds between two looks at what is due; and at whether anybody has webhooks at all.
INTERVAL: Final = 0.5
IDLE_INTERVAL: Final = 5.0
# Requests at once.
MOST_AT_ONCE: Final = 16
# Seconds until the second attempt, what each later pause is multiplied by, and the longest pause.
FIRST_PAUSE: Final = 5.0
GROWTH: Final = 4.0
LONGEST_PAUSE: Final = 4 * 3600.0
# The pauses before the last of so many attempts add up to about 22 hours.
MOST_ATTEMPTS: Final = 12
# A pause is between so much less and so much more, so that what failed together does not return together.
JITTER: Final = 0.2
# Seconds after the longest time of a request until another process sends what this one was sending.
CLAIM_GRACE: Final = 15.0
# How long deliveries are kept that are over, and seconds between two removals.
RETENTION: Final = timedelta(days=30)
CLEAR_INTERVAL: Final = 3600.0
GONE: Final = 410


class Sender(Protocol):
    """Sends one delivery."""

    async def send(self, delivery: Delivery) -> int:
        """POST it and return the HTTP status. Raises OSError when there is none; the text has no secret."""


class WebhookDelivery:
    """Moves owed events into deliveries, and sends what is due."""

    def __init__(
        self,
        store: WebhookStore,
        lookup: SubscriptionLookup,
        sender: Sender,
        leads: Callable[[], bool],
        clock: Clock = MACHINE,
    ) -> None:
        """Works only while `leads` says that this process supervises the sessions."""
        self._store = store
        self._lookup = lookup
        self._sender = sender
        self._leads = leads
        self._clock = clock
        self._has_default: bool | None = None  # as the database has it; None while not yet written
        self._cleared_at = -CLEAR_INTERVAL
        self._running: set[asyncio.Task[None]] = set()
        self._outage = LogThrottle(logger, "webhooks: what is due is not known")

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                pause = await self._guarded_pass()
                await asyncio.sleep(pause)
        finally:
            for task in self._running:
                task.cancel()

    async def _guarded_pass(self) -> float:
        try:
            is_used = self._leads() and await self.deliver()
            self._outage.recovered()
        except StoreUnavailable as error:
            self._outage.failed(error)
        except Exception:
            logger.exception("webhooks: this pass failed, the next one follows")
        else:
            return INTERVAL if is_used else IDLE_INTERVAL
        return IDLE_INTERVAL

    async def deliver(self) -> bool:
        """Start what is due; returns whether anybody has webhooks. Raises StoreUnavailable."""
        if self._has_default is None:
            self._has_default = bool(self._lookup.default_url)
            try:
                await self._store.subscribe_all(wanted=self._has_default)
            except StoreUnavailable:
                self._has_default = None
                raise
        if not await self._store.is_used():
            return False
        for owed in await self._store.owed():
            await self._plan(owed)
        now = self._clock.wall()
        for delivery in await self._store.due(now):
            if len(self._running) >= MOST_AT_ONCE:
                break
            until = now + timedelta(seconds=delivery.seconds + CLAIM_GRACE)
            if await self._store.claim(delivery, until):
                task = asyncio.create_task(self._send(delivery))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
        if self._clock.steady() - self._cleared_at >= CLEAR_INTERVAL:
            self._cleared_at = self._clock.steady()
            await self._store.clear(now - RETENTION)
        return True

    async def settled(self) -> None:
        """Return when the requests that were started have their outcomes."""
        while self._running:
            await asyncio.wait(self._running)

    async def _plan(self, owed: Owed) -> None:
        try:
            found = await self._lookup.find(owed.session.agent_id)
        except (SecretsUnreadable, InvalidAgentConfig) as error:
            # It stays owed: with the key, or a configuration that can be read, it is delivered.
            logger.warning("webhooks of agent %d: %s", owed.session.agent_id, error)
            return
        wanted = (planned(owed, one, found.agent_name) for one in found.subscriptions)
        await self._store.plan(owed, [one for one in wanted if one is not None])

    async def _send(self, delivery: Delivery) -> None:
        try:
            state, detail = await self._attempt(delivery)
            pause = pause_after(delivery.attempts + 1)
            next_at = self._clock.wall() + timedelta(seconds=pause)
            await self._store.settle(delivery, state, next_at, detail)
        except StoreUnavailable as error:
            # Its claim runs out, and it is sent again.
            logger.warning("webhook %d: outcome not stored: %s", delivery.number, error)
        except Exception:
            logger.exception("webhook %d failed", delivery.number)

    async def _attempt(self, delivery: Delivery) -> tuple[DeliveryState, str]:
        detail = delivery.unreadable
        try:
            status = 0 if detail else await self._sender.send(delivery)
        except OSError as error:
            detail = str(error)
        else:
            detail = detail or f"HTTP {status}"
            if 200 <= status < 300:
                return DeliveryState.DELIVERED, detail
            if status == GONE:
                logger.warning("webhooks of agent %d: an address is gone", delivery.agent_id)
                return DeliveryState.GONE, detail
        is_last = delivery.attempts + 1 >= MOST_ATTEMPTS
        logger.warning(
            "webhook %d (%s) attempt %d: %s%s",
            delivery.number,
            delivery.event,
            delivery.attempts + 1,
            detail,
            "; given up" if is_last else "",
            extra={"session": delivery.session_id},
        )
        return (DeliveryState.DEAD if is_last else DeliveryState.PENDING), detail


def pause_after(attempts: int) -> float:
    """Seconds until the next attempt, after so many."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * GROWTH ** (attempts - 1))
    return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
