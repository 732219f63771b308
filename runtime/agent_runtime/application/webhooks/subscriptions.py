"""Who is told of the sessions of an agent, by its configuration as it is now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from agent_runtime.agents.forms.registered import parse_registered
from agent_runtime.agents.templates.library import Templates
from agent_runtime.domain.ports.agents import AgentRegistry
from agent_runtime.domain.ports.webhooks import Subscription, WebhookEvent


@dataclass(frozen=True, slots=True)
class Subscribers:
    """An agent's name and its subscriptions."""

    agent_name: str | None
    subscriptions: Sequence[Subscription]


@dataclass(frozen=True, slots=True)
class SubscriptionLookup:
    """Finds the subscriptions of agents; `default_url` is told of the ends of agents that name nobody."""

    agents: AgentRegistry
    templates: Templates
    default_url: str = ""

    async def find(self, agent_id: int) -> Subscribers:
        """The subscriptions in force; those of the last version for an agent that was deleted.

        Raises SecretsUnreadable, InvalidAgentConfig.
        """
        registration = await self.agents.get(agent_id)
        if registration is None and (history := await self.agents.history(agent_id)):
            registration = await self.agents.version(agent_id, history[0].version)
        if registration is None:
            return Subscribers(None, self._default())
        given = await asyncio.to_thread(self.templates.resolved, registration.config)
        config = parse_registered(given)
        return Subscribers(config.name, config.subscriptions or self._default())

    def _default(self) -> list[Subscription]:
        if not self.default_url:
            return []
        ended = frozenset({WebhookEvent.ENDED})
        return [Subscription(self.default_url, ended, is_call_report=True)]
