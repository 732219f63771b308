"""Before anything is replayed: each target must be there, and be what it was announced as."""

from __future__ import annotations

from contract.corpus.frozen import RECORDED_KEY
from contract.errors import WrongTarget
from contract.http.messages import Answer, Request
from contract.targets.target import Target
from contract.values.documents import Kind, parse, plain

_KEYED = (("Authorization", f"Bearer {RECORDED_KEY}"),)


async def check(target: Target) -> None:
    """Raises Inconclusive when nobody answers or what answers is no such service."""
    health = await target.send(Request("GET", "/health", ()))
    if 300 <= health.status < 400:
        raise WrongTarget(
            f"it redirects GET /health to {health.header('location')}: give the final address"
        )
    document = parse(health)
    if document.kind is not Kind.JSON:
        kind = health.header("content-type") or "no content type"
        raise WrongTarget(
            f"it answers GET /health with {health.status}, {kind}, not JSON: "
            "no agent service listens there"
        )
    body = plain(document.value)
    if health.status != 200 or not isinstance(body, dict) or body.get("status") != "healthy":
        raise WrongTarget(
            f"it answers GET /health with {health.status} {document.text[:200]}, "
            'not 200 {"status":"healthy",...}: it is no agent service, or it is not well'
        )
    agents = await target.send(Request("GET", "/api/agents", _KEYED))
    if agents.status == 401:
        raise WrongTarget("it refuses the key: give the one it was started with by --key")


async def check_old(target: Target) -> None:
    """Raises WrongTarget when the old side is not the Node.js service."""
    session = await _get(target, "/api/sessions/never-there")
    figures = await _get(target, "/api/metrics/session/never-there")
    if (session.status, session.body) != (200, b"") or figures.body != b"null":
        raise WrongTarget(
            "--old does not behave as the Node.js service: it answers GET of an unknown session "
            f"with {session.status} {session.text[:80]!r}. Was our own service given twice?"
        )


async def _get(target: Target, path: str) -> Answer:
    return await target.send(Request("GET", path, _KEYED))
