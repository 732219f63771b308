"""Where a plugin sends its requests, and with whose key. A key belongs to an address.

The worker's own key is only sent to the worker's own address. An agent's own address needs the agent's own
key, and the clients for it are guarded (`egress/`), since the operator did not choose it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from agent_runtime.egress.policy import Guard
from agent_runtime.egress.urls import EgressRefused, Target, read
from agent_runtime.providers.common.options import key_of
from agent_runtime.providers.common.spec import (
    ProviderChoice,
    ProviderDefaults,
    ProviderSpec,
    Stage,
)

if TYPE_CHECKING:
    import aiohttp

# Spellings that an agent's configuration has for its own address and key.
_BASE_URL: Final = "baseUrl"
_API_KEY: Final = "apiKey"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and its key; `guard` is None when the address is the worker's own."""

    base_url: str
    api_key: str = field(repr=False)
    guard: Guard | None


def endpoint_of(
    spec: ProviderSpec, stage: Stage, choice: ProviderChoice, defaults: ProviderDefaults
) -> Endpoint:
    """The agent's own address with its own key, else the worker's address.

    Raises KeyMissingError, or EgressRefused for an address that the runtime may not call.
    """
    try:
        guard = agent_address(spec, stage, choice, defaults)
    except EgressRefused as error:
        raise EgressRefused(f"{stage.name.lower()}Config.{_BASE_URL}: {error}") from error
    if guard is None:
        return Endpoint(defaults.base_url, key_of(spec, stage, choice, defaults), None)
    return Endpoint(guard.target.url, choice.api_key or "", guard)


def agent_address(
    spec: ProviderSpec, stage: Stage, choice: ProviderChoice, defaults: ProviderDefaults
) -> Guard | None:
    """The address that the agent names, in full; None when it names none, or the worker's own.

    Raises EgressRefused when the runtime may not call it, or when the agent has no key for it.
    """
    if not choice.base_url:
        return None
    if not spec.takes_agents_keys:
        raise EgressRefused(f"{spec.title} has one account, the worker's; leave the address out")
    variable = spec.address(stage)
    schemes = variable.schemes
    path = urlsplit(variable.default).path
    target = read(choice.base_url, schemes, path=path)
    try:
        if _place(target) == _place(read(defaults.base_url, schemes, path=path)):
            return None
    except EgressRefused:
        pass  # of an unusual form, which an agent cannot name: the worker's address is used as it is
    defaults.egress.check(target)
    if not choice.api_key:
        raise EgressRefused(
            f"needs {_API_KEY} beside it, a key of the agent's own: the worker's key is only sent to the "
            f"worker's own address, {variable.name}"
        )
    return Guard(target, defaults.egress)


def _place(target: Target) -> tuple[bool, str, int, str]:
    """What two URLs have in common that lead to the same place: wss:// is https://, of a WebSocket."""
    return target.is_encrypted, target.host, target.port, target.path


def http_session(endpoint: Endpoint) -> aiohttp.ClientSession | None:
    """A guarded session for an agent's own address, closed when the job ends; else None.

    With None a plugin uses the session that all plugins of a job share.
    """
    if endpoint.guard is None:
        return None
    from livekit.agents import get_job_context

    from agent_runtime.egress.aiohttp_session import guarded_session

    session = guarded_session(endpoint.guard)
    job = get_job_context(required=False)
    if job is not None:
        job.add_shutdown_callback(session.close)
    return session
