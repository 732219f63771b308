"""The header Idempotency-Key, by which a client can send a create again without a second session."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from falcon import HTTPBadRequest
from falcon.asgi import Request

from agent_runtime.domain.access.keys import Access
from agent_runtime.domain.session import RepeatableRequest

HEADER: Final = "Idempotency-Key"
MAX_LENGTH: Final = 255
# A string of RFC 9651, as the draft has it, or the same without quotes, as most clients send it.
_KEY: Final = re.compile(r'"([\x21\x23-\x5b\x5d-\x7e]+)"|([\x21\x23-\x5b\x5d-\x7e]+)')


def repeatable(req: Request, body: Mapping[str, Any]) -> RepeatableRequest | None:
    """What recognises the request when it comes again; None without the header.

    It belongs to the API key that came with it, and to the body's tenant. Raises HTTPBadRequest.
    """
    given = req.get_header(HEADER)
    if given is None:
        return None
    match = _KEY.fullmatch(given.strip())
    if match is None or len(given) > MAX_LENGTH:
        raise HTTPBadRequest(
            description=f"{HEADER} must be 1 to {MAX_LENGTH} visible ASCII characters without blanks, "
            "for instance a UUID"
        )
    return request_of(req.context.access, match[1] or match[2], body)


def request_of(access: Access, key: str, body: Mapping[str, Any]) -> RepeatableRequest:
    """What recognises a request of this client with this key and this body."""
    owner = (access.name, access.tenant_id, body.get("tenantId"))
    return RepeatableRequest(_digest(*owner, key), _digest(body))


def _digest(*parts: Any) -> str:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
