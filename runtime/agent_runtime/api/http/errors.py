"""Error handlers: which error gives which status. Responses are `{"error": ...}` without a stack trace."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import falcon
from falcon.asgi import Request, Response

from agent_runtime.api.http.framing.paths import with_slashes
from agent_runtime.api.http.responses import respond_error
from agent_runtime.api.http.zod_issues import InvalidBody, custom, in_zod_form
from agent_runtime.application.tenants import RoomOfOtherTenant
from agent_runtime.domain.access.keys import Forbidden, ScopeMissing
from agent_runtime.domain.access.tenants import AgentNotFound, AgentOfOtherTenant, TenantMismatch
from agent_runtime.domain.callers.erasure import CallerIsLive
from agent_runtime.domain.errors import (
    AgentAtCapacity,
    AgentNotRegistered,
    AgentStopped,
    InvalidAgentConfig,
    LiveKitUnavailable,
    NoFreeWorker,
    SecretsUnreadable,
    SessionNotFound,
    StoreUnavailable,
    VariablesMissing,
)
from agent_runtime.domain.ports.sessions import (
    QueueFull,
    RequestDiffers,
    RequestInFlight,
    TenantAtCapacity,
)
from agent_runtime.storage.sql.database import UnstorableError

if TYPE_CHECKING:
    from agent_runtime.api.http.types import Application

logger = logging.getLogger(__name__)


def add_error_handlers(app: Application) -> None:
    """Make `app` respond to every exception in the contract's error shape."""
    app.add_error_handler(Exception, _internal)
    app.add_error_handler(falcon.HTTPError, _http)
    app.add_error_handler(AgentNotRegistered, _bad_request)
    app.add_error_handler(AgentAtCapacity, _bad_request)
    app.add_error_handler(VariablesMissing, _bad_request)
    app.add_error_handler(UnstorableError, _bad_request)
    app.add_error_handler(AgentStopped, _bad_request)
    app.add_error_handler(TenantMismatch, _bad_request)
    app.add_error_handler(RoomOfOtherTenant, _bad_request)
    app.add_error_handler(AgentOfOtherTenant, _conflict)
    app.add_error_handler(Forbidden, _forbidden)
    app.add_error_handler(InvalidBody, _invalid_body)
    app.add_error_handler(InvalidAgentConfig, _invalid_config)
    app.add_error_handler(SessionNotFound, _not_found)
    app.add_error_handler(CallerIsLive, _conflict)
    app.add_error_handler(AgentNotFound, _not_found)
    app.add_error_handler(NoFreeWorker, _try_again(503))
    app.add_error_handler(QueueFull, _try_again(503))
    app.add_error_handler(TenantAtCapacity, _try_again(429))
    app.add_error_handler(RequestInFlight, _try_again(409))
    app.add_error_handler(RequestDiffers, _unprocessable)
    app.add_error_handler(StoreUnavailable, _unavailable)
    app.add_error_handler(LiveKitUnavailable, _unavailable)
    app.add_error_handler(SecretsUnreadable, _unavailable)


async def _internal(req: Request, resp: Response, error: Exception, _params: Any) -> None:
    logger.error("%s %s failed", req.method, req.scope["raw_path"].decode(), exc_info=error)
    respond_error(resp, "Internal server error", 500)


async def _http(req: Request, resp: Response, error: falcon.HTTPError, _params: Any) -> None:
    if isinstance(error, falcon.HTTPRouteNotFound | falcon.HTTPMethodNotAllowed):
        message = f"Cannot {req.method} {with_slashes(req.path)}"
    else:
        message = error.description or error.title or falcon.code_to_http_status(error.status_code)
    if error.headers is not None:
        resp.set_headers(error.headers)
    respond_error(resp, message, error.status_code)


async def _bad_request(_req: Request, resp: Response, error: Exception, _params: Any) -> None:
    respond_error(resp, str(error), 400)


async def _conflict(_req: Request, resp: Response, error: Exception, _params: Any) -> None:
    respond_error(resp, str(error), 409)


async def _forbidden(_req: Request, resp: Response, error: Forbidden, _params: Any) -> None:
    if isinstance(error, ScopeMissing) and error.scope is not None:
        # RFC 6750, section 3.1.
        challenge = f'Bearer error="insufficient_scope", scope="{error.scope}"'
        resp.set_header("WWW-Authenticate", challenge)
    respond_error(resp, str(error), 403)


async def _invalid_body(_req: Request, resp: Response, error: InvalidBody, _params: Any) -> None:
    respond_error(resp, in_zod_form(error.issues), 400)


async def _invalid_config(
    _req: Request, resp: Response, error: InvalidAgentConfig, _params: Any
) -> None:
    issues = [custom(issue.message, "config", *issue.path) for issue in error.issues]
    respond_error(resp, in_zod_form(issues), 400)


async def _not_found(_req: Request, resp: Response, error: Exception, _params: Any) -> None:
    respond_error(resp, str(error), 404)


def _try_again(status: int) -> Callable[[Request, Response, Any, Any], Coroutine[Any, Any, None]]:
    """The handler of an error that has a `retry_after`."""

    async def handle(_req: Request, resp: Response, error: Any, _params: Any) -> None:
        resp.set_header("Retry-After", str(error.retry_after))
        respond_error(resp, str(error), status)

    return handle


async def _unprocessable(_req: Request, resp: Response, error: Exception, _params: Any) -> None:
    respond_error(resp, str(error), 422)


async def _unavailable(req: Request, resp: Response, error: Exception, _params: Any) -> None:
    logger.warning("%s %s: %s", req.method, req.scope["raw_path"].decode(), error)
    respond_error(resp, str(error), 503)
