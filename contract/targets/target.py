"""A service to which requests can be replayed, whatever carries them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from contract.http.messages import Answer, Effect, Request

Hook = Callable[[], Awaitable[None]]


class Target(Protocol):
    """One service under comparison."""

    name: str

    @property
    def watched(self) -> bool:
        """Whether answers carry the calls that the service made to its peer."""

    async def reset(self) -> None:
        """Forget everything."""

    async def change(self, what: str) -> None:
        """Apply the change that a step asks for (`restart`, `livekit-away` ...)."""

    def can(self, what: str) -> bool:
        """Whether `change(what)` works here."""

    async def send(self, request: Request) -> Answer:
        """Send one request. Raises TargetUnreachable or TargetMisbehaved."""


class EffectSource(Protocol):
    """A record of the calls that a service made to its peer."""

    async def take(self) -> tuple[Effect, ...]:
        """The calls since the last `take`, in a stable order."""
