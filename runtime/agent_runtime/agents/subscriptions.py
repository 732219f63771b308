"""Who is told of an agent's sessions, by the webhooks of its configuration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from agent_runtime.agents.sections import CompletionWebhook, Webhook
from agent_runtime.domain.ports.webhooks import Subscription, WebhookEvent

# Seconds of a webhook's request, at most: others wait for its place.
LONGEST_REQUEST: Final = 30.0
_TOLD: Final = frozenset({WebhookEvent.STARTED, WebhookEvent.ENDED})


def subscriptions_of(
    webhooks: Iterable[Webhook], report: CompletionWebhook | None
) -> list[Subscription]:
    """The subscriptions that have an address; `report` is told of the end alone."""
    found = [
        Subscription(one.url, frozenset(map(WebhookEvent, one.events)) or _TOLD, one.secret)
        for one in webhooks
        if one.url
    ]
    if report is not None and report.enabled and report.url:
        seconds = min(report.timeout, LONGEST_REQUEST)
        ended = frozenset({WebhookEvent.ENDED})
        found.append(
            Subscription(
                report.url, ended, report.secret, report.headers, seconds, is_call_report=True
            )
        )
    return found
