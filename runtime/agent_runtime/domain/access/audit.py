"""The audit: one entry for each request or command that would change something."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

# The actor of commands on the operator's machine.
CLI: Final = "cli"
# The result of a command that did what was asked.
DONE: Final = "done"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who wanted what, and with which result.

    `actor` is the name of a key, `platform` for AGENT_RUNTIME_API_KEY, `nobody` where no key is required,
    or `cli`. `operation` is an operationId of openapi.yaml or a command; `result` is the status of an HTTP
    response or `done`. `at` is aware and in UTC.
    """

    at: datetime
    actor: str
    operation: str
    result: str
    agent_id: int | None = None
    session_id: str | None = None
    tenant_id: int | None = None
    key_id: str | None = None
