"""The LiveKit server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from agent_runtime.domain.session import Session


class Health(Protocol):
    """Whether a thing that the runtime depends on is there."""

    async def check(self) -> None:
        """Return when usable; else raise StoreUnavailable or RoomsUnavailable with the reason."""


class Rooms(Health, Protocol):
    """The LiveKit server, as far as sessions need it. Raises RoomsUnavailable."""

    async def dispatch(self, session: Session, variables: Mapping[str, Any]) -> None:
        """Ask for an agent in the session's room, once; makes the room when there is none."""

    async def remove_agent(self, session: Session) -> None:
        """Take the session's agent out of its room; nothing happens when it is not there."""

    async def redispatch(self, session: Session, variables: Mapping[str, Any], number: int) -> None:
        """Ask for the `number`th agent; what came of earlier dispatches goes, of later ones stays."""

    async def count_callers(self, room_name: str) -> int:
        """How many who are no agents are in the room; 0 when there is no such room."""

    async def occupied_rooms(self) -> Mapping[str, datetime]:
        """The rooms that somebody is in, and when each was made."""

    async def dispatch_automatic(self, room_name: str) -> None:
        """Ask for whichever agent the room is named after, as LiveKit does for a new room."""

    async def close_room(self, room_name: str) -> None:
        """Send everybody out of the room; nothing happens when there is none."""
