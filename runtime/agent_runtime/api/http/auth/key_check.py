"""Checks the API key of a request, and the scope of its operation."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any, Final

from falcon import HTTPRouteNotFound, HTTPServiceUnavailable, HTTPUnauthorized
from falcon.asgi import Request, Response

from agent_runtime.api.http.auth.operations import operation_of
from agent_runtime.api.http.framing.paths import keep_encoded_slashes
from agent_runtime.application.key_ring import KeyRing
from agent_runtime.domain.access.keys import NOBODY, PLATFORM, Access, Scope
from agent_runtime.domain.errors import StoreUnavailable

_BEARER: Final = "Bearer "


class KeyCheck:
    """Middleware that requires a key on `paths` and below them: the platform's `key`, or one of `ring`.

    No key is required when `key` is empty and no other one was ever made. The key comes as
    `Authorization: Bearer <key>` or bare. The first `Bearer ` is removed wherever it stands in the header,
    as in the Node.js version. Sets `req.context.access`.
    """

    def __init__(self, key: str, paths: Sequence[str], ring: KeyRing | None = None) -> None:
        self._key = key.encode()
        self._paths = frozenset(paths)
        self._below = tuple(f"{path}/" for path in paths)
        self._ring = ring

    async def process_request(self, req: Request, _resp: Response) -> None:
        """Raise HTTPUnauthorized when the request needs a key and does not carry a valid one.

        Raises HTTPServiceUnavailable while the database, which knows the keys, is away.
        Raises HTTPRouteNotFound for a path with two leading slashes: the router drops one of them, so
        it would serve //api/agents, which is below none of the protected paths. An encoded slash is no
        slash of the path, neither here nor for the router.
        """
        keep_encoded_slashes(req)
        if req.path.startswith("//"):
            raise HTTPRouteNotFound
        given = _given(req)
        if self._is_platform(given):
            req.context.access = PLATFORM
            return
        req.context.access = NOBODY
        if not self._needs_key(req.path):
            return
        try:
            access = await self._access(given)
        except StoreUnavailable as error:
            # The error may hold names of hosts and users.
            text = "The key cannot be checked: the database is not available"
            raise HTTPServiceUnavailable(description=text) from error
        if access is None:
            req.context.access = None
            raise HTTPUnauthorized(title="Unauthorized", challenges=["Bearer"])
        req.context.access = access

    async def may_see_reasons(self, req: Request) -> bool:
        """Whether the request's key shows it how the deployment is doing, as Prometheus's scope does."""
        given = _given(req)
        try:
            access = PLATFORM if self._is_platform(given) else await self._access(given)
        except StoreUnavailable:
            return False  # a key that cannot be checked counts as none
        return access is not None and Scope.PROMETHEUS in access.scopes

    async def _access(self, given: bytes) -> Access | None:
        """What a key other than the platform's allows; None when it is not valid."""
        if self._ring is None:
            return None if self._key else NOBODY
        found = await self._ring.find(given.decode("latin-1"))
        if found is not None:
            return found.access
        return None if self._key or not await self._ring.is_empty() else NOBODY

    def _is_platform(self, given: bytes) -> bool:
        return bool(self._key) and hmac.compare_digest(given, self._key)

    def _needs_key(self, path: str) -> bool:
        return path in self._paths or path.startswith(self._below)


class ScopeCheck:
    """Middleware that requires the operation's scope, once the operation is known to exist."""

    async def process_resource(
        self, req: Request, _resp: Response, _resource: object, _params: dict[str, Any]
    ) -> None:
        """Raise ScopeMissing. An operation without a scope needs none, unless a key is required for it."""
        if req.method == "OPTIONS":
            return
        operation = operation_of(req)
        if operation is None or operation.scope is not None:
            access: Access = req.context.access
            access.require(None if operation is None else operation.scope)


def only_tenant(req: Request) -> int | None:
    """The tenant to which the request is limited by its key; None for every tenant."""
    access: Access = req.context.access
    return access.tenant_id


def _given(req: Request) -> bytes:
    # ASGI decodes headers as Latin-1, so encoding restores the bytes that were sent.
    return (req.auth or "").replace(_BEARER, "", 1).encode("latin-1")
