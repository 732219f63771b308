"""The limits of a create beside the agent's own: the queue's length, and the tenant's quota."""

from __future__ import annotations

import json
import logging
from typing import Any, Final

from agent_runtime.domain.clock import MACHINE, Clock
from agent_runtime.domain.ports.sessions import TenantStore
from agent_runtime.domain.session import CreateLimits

logger = logging.getLogger(__name__)

# Seconds for which the quota of a tenant's row is kept, so that a create reads no row more.
QUOTA_AGE: Final = 10.0
# Tenants whose quotas are kept.
MAX_TENANTS: Final = 10_000
# The key of `tenants.resource_quota`, a JSON object, that we read.
KEY: Final = "maxConcurrentSessions"


class LimitsOfCreates:
    """Finds them: at most `waiting` sessions wait for an agent; a tenant without a quota has `of_tenant`.

    0 is no limit.
    """

    def __init__(
        self, tenants: TenantStore, *, waiting: int, of_tenant: int, clock: Clock = MACHINE
    ) -> None:
        self._tenants = tenants
        self._waiting = waiting or None
        self._of_tenant = of_tenant or None
        self._clock = clock
        self._quotas: dict[int, tuple[float, int | None]] = {}

    async def of(self, tenant_id: int) -> CreateLimits:
        """The limits for a session of this tenant. Raises StoreUnavailable."""
        now = self._clock.steady()
        read_at, quota = self._quotas.get(tenant_id, (None, None))
        if read_at is None or now - read_at > QUOTA_AGE:
            quota = _quota(tenant_id, await self._tenants.resource_quota(tenant_id))
            if len(self._quotas) >= MAX_TENANTS:
                self._quotas.clear()
            self._quotas[tenant_id] = now, quota
        return CreateLimits(self._waiting, self._of_tenant if quota is None else quota)


def _quota(tenant_id: int, text: str | None) -> int | None:
    """The quota in the text of the column; None, which is logged, when the text is not understood."""
    try:
        given: Any = json.loads(text) if text and text.strip() else {}
    except (ValueError, RecursionError):
        given = None
    value = given.get(KEY) if isinstance(given, dict) else ""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        logger.warning(
            "tenants.resource_quota of tenant %d is no JSON object with a whole number as %s: "
            "TENANT_MAX_SESSIONS counts",
            tenant_id,
            KEY,
        )
        return None
    return min(value, 2**31 - 1)
