"""Records in the audit who changed what, with which result."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from falcon.asgi import Request, Response

from agent_runtime.api.http.auth.operations import operation_of
from agent_runtime.api.http.requests import id_of
from agent_runtime.domain.access.audit import AuditEntry
from agent_runtime.domain.access.keys import Access

Record = Callable[[AuditEntry], None]

# What may be a session's id; other texts of a path are not kept.
_SESSION_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class AuditLog:
    """Middleware that records each request whose operation changes something, also a refused one.

    A request without a valid key is not recorded: strangers must not fill the table.
    """

    def __init__(self, record: Record) -> None:
        self._record = record

    async def process_resource(
        self, req: Request, _resp: Response, _resource: object, params: dict[str, Any]
    ) -> None:
        """Note the ids of the path."""
        note_ids(req, **params)

    async def process_response(
        self, req: Request, resp: Response, _resource: object, _succeeded: bool
    ) -> None:
        """Record the request. One that was refused for its key has no operation yet."""
        operation = operation_of(req)
        if operation is None or operation.scope is None or not operation.scope.changes:
            return
        access: Access = req.context.access
        ids = getattr(req.context, "ids", {})
        session_id = ids.get("session_id")
        self._record(
            AuditEntry(
                at=datetime.now(UTC),
                actor=access.name,
                operation=operation.id,
                result=str(resp.status_code),
                agent_id=_number(ids.get("agent_id")),
                session_id=session_id if _SESSION_ID.fullmatch(session_id or "") else None,
                tenant_id=_number(ids.get("tenant_id")) or access.tenant_id,
            )
        )


def note_ids(req: Request, **ids: str | int) -> None:
    """Note the ids of what the request is about: `agent_id`, `session_id`, `tenant_id`."""
    req.context.ids = {**getattr(req.context, "ids", {}), **ids}


def _number(value: object) -> int | None:
    return id_of(value) if isinstance(value, str) else value if isinstance(value, int) else None
