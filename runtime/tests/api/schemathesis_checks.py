"""A check that Schemathesis runs beside its own."""

from __future__ import annotations

import re
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response

REFUSALS = re.compile(
    r"Agent \d+ not registered"
    r"|Agent \d+ is registered for another tenant: send the tenantId of its registration"
    r"|Agent \d+ is at capacity \(\d+ sessions\)"
    r"|Session .+ not found"
    # Which addresses may be called depends on the operator, and on the key beside them.
    r'|.*"(baseUrl|url)"\n.*'
    # Rules beyond JSON Schema: names of templates and of time zones, names of tools that are taken,
    # schemas within the schema, addresses and headers of webhooks.
    r'|.*"(extends|timezone|tools|webhooks|completionWebhook)"[,\n].*'
    # A room named after an agent is that agent's alone; the names are free otherwise.
    r"|.*this room's callers wait for agent \d+.*"
    r"|.*LiveKit takes at most 256 bytes.*",  # JSON Schema counts characters, not bytes
    re.DOTALL,
)


@schemathesis.check
def valid_requests_are_refused_for_a_reason(
    _context: CheckContext, response: Response, case: Case[Any]
) -> bool | None:
    """A request that is valid by the contract gets 400 only with one of the known reasons."""
    generated = case.meta.generation if case.meta is not None else None
    if response.status_code == 400 and generated is not None and generated.mode.is_positive:
        error = response.json()["error"]
        assert REFUSALS.fullmatch(error), f"a valid request was refused: {error}"
    return None
