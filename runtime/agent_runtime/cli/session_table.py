"""Renders live sessions and their events for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from agent_runtime.domain.lease import Event, LiveSession, Phase
from agent_runtime.secrecy.shown import escaped

_HEADER: Final = (
    "SESSION",
    "AGENT",
    "ROOM",
    "STATUS",
    "PHASE",
    "AGE",
    "PLACE",
    "WORKER",
    "HEARTBEAT",
)
_QUEUED: Final = (Phase.ASKED, Phase.WAITING)


def table(live: Sequence[LiveSession], now: datetime) -> list[str]:
    """A header and one line a session, in the order of `live`: the oldest first, as in the queue."""
    if not live:
        return ["no live sessions"]
    queue = [each.session.session_id for each in live if each.phase in _QUEUED]
    rows = [_HEADER, *(_row(each, queue, now) for each in live)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def event_line(event: Event) -> str:
    """One event of a session: time (UTC, milliseconds), kind, detail."""
    moment = event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{moment}  {event.kind:8}  {escaped(event.detail)}".rstrip()


def _row(live: LiveSession, queue: Sequence[str], now: datetime) -> tuple[str, ...]:
    session = live.session
    position = queue.index(session.session_id) + 1 if session.session_id in queue else None
    return (
        escaped(session.session_id),
        str(session.agent_id),
        escaped(session.room_name),
        session.status.value,
        live.phase.value,
        _age(session.started_at, now),
        "-" if position is None else str(position),
        escaped(_worker(live)),
        "-" if live.holder is None or live.heartbeat_at is None else _age(live.heartbeat_at, now),
    )


def _worker(live: LiveSession) -> str:
    if live.holder is not None:
        return live.holder.worker
    return f"(lost by {live.lost_by})" if live.lost_by else "-"


def _age(moment: datetime, now: datetime) -> str:
    seconds = max(0.0, (now - moment).total_seconds())
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s"
