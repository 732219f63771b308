"""The LiveKit server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from agent_runtime.domain.session import Session


class Health(Protocol):
    """A dependency of the runtime whose health can be checked."""

    async def check(self) -> None:
        """Return when usable; else raise StoreUnavailable or LiveKitUnavailable with the reason."""


class Rooms(Health, Protocol):
    """The operations of the LiveKit server that sessions need. Methods raise LiveKitUnavailable."""

    async def dispatch(self, session: Session, variables: Mapping[str, Any]) -> None:
        """Dispatch one agent into the session's room; creates the room when there is none."""

    async def remove_agent(self, session: Session) -> None:
        """Remove the session's agent from its room; no error when it is not there."""

    async def redispatch(self, session: Session, variables: Mapping[str, Any], number: int) -> None:
        """Dispatch agent `number` of the session.

        Removes the agents and jobs of earlier dispatches and keeps those of later ones.
        """

    async def count_callers(
        self, room_name: str, identity: str | None = None, since: datetime | None = None
    ) -> int:
        """How many callers are in the room; 0 when there is no such room.

        With `identity`, only the participant of that identity is a caller; with `since`, only those
        count who have joined after that moment (aware, by LiveKit's clock).
        """

    async def open_rooms(self) -> Mapping[str, datetime]:
        """The rooms, and when each was created (aware, by LiveKit's clock, to the second)."""

    async def dispatch_automatic(self, room_name: str) -> None:
        """Dispatch the agent that the room is named after, as LiveKit does for a new room."""

    async def close_room(self, room_name: str) -> None:
        """Delete the room, which disconnects everyone in it; no error when there is none."""
