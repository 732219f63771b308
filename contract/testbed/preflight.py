"""Checks each target before a replay: a service must answer, and it must be the announced one."""

from __future__ import annotations

from contract.api.profile import ApiProfile
from contract.errors import WrongTarget
from contract.http.messages import RECORDED_KEY, Answer, Request
from contract.targets.target import Target
from contract.values.documents import Kind, parse, plain

_KEYED = (("Authorization", f"Bearer {RECORDED_KEY}"),)


async def check(target: Target, profile: ApiProfile) -> None:
    """Raises Inconclusive when no service answers, or another one than the profile's."""
    path, key, value = profile.liveness.path, profile.liveness.key, profile.liveness.value
    health = await target.send(Request("GET", path, ()))
    if 300 <= health.status < 400:
        raise WrongTarget(
            f"it redirects GET {path} to {health.header('location')}: give the final address"
        )
    document = parse(health)
    if document.kind is not Kind.JSON:
        kind = health.header("content-type") or "no content type"
        coding = health.header("content-encoding")
        if coding is not None:
            kind += f", packed with Content-Encoding {coding}"
        if "HTTPS port" in health.text or "HTTP request to an HTTPS" in health.text:
            raise WrongTarget("it speaks TLS: use https:// instead of http://")
        raise WrongTarget(
            f"it answers GET {path} with {health.status}, {kind}, not JSON: "
            f"no {profile.name} listens there"
        )
    body = plain(document.value)
    if health.status != 200 or not isinstance(body, dict) or body.get(key) != value:
        raise WrongTarget(
            f"it answers GET {path} with {health.status} {document.text[:200]}, "
            f'not 200 {{"{key}":"{value}",...}}: it is no {profile.name}, or it is not well'
        )
    if (await _get(target, profile.keyed_path)).status == 401:
        raise WrongTarget("it refuses the key: pass the key of the services with --key")


async def check_old(target: Target, profile: ApiProfile) -> None:
    """Raises WrongTarget when the old side is not the old service."""
    for mark in profile.marks:
        answer = await _get(target, mark.path)
        if answer.body != mark.body or mark.status not in (None, answer.status):
            raise WrongTarget(
                f"--old does not behave as {profile.old_name}: it answers GET {mark.path} "
                f"with {answer.status} {answer.text[:80]!r}. Was the new service given twice?"
            )


async def _get(target: Target, path: str) -> Answer:
    return await target.send(Request("GET", path, _KEYED))
