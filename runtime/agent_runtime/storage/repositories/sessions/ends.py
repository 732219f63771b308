"""Ending sessions: the commit that ends one also frees its place and its room."""

from __future__ import annotations

import json
from typing import Any, Final

import peewee
from peewee import fn

from agent_runtime.domain.lease import EventKind, Holder, LiveSession
from agent_runtime.domain.session import LIVE, Session, SessionStatus, may_become
from agent_runtime.storage.repositories.events import appended_if
from agent_runtime.storage.repositories.live import MINE, THIS_LIVE, UNHELD, is_latest_dispatch
from agent_runtime.storage.repositories.sessions.rows import (
    COLUMNS,
    NOW,
    THIS,
    SessionReader,
    end_of_session,
    session_from,
)
from agent_runtime.storage.schema.runtime import LiveSessions, Utterances
from agent_runtime.storage.schema.shared.sessions import Sessions
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import can_be_stored
from agent_runtime.storage.sql.statements import Step, bind

_LEFT_BEHIND: Final = "left behind by a crash"


class SessionEnds(SessionReader):
    """The part of the port SessionStore that ends sessions."""

    _free = CompiledOnce(lambda: LiveSessions.delete().where(THIS_LIVE))

    # Before any job held the session, the job that was to hold it may end it; afterwards it may not.
    _free_own = CompiledOnce(
        lambda: LiveSessions.delete().where(
            THIS_LIVE, MINE | (UNHELD & LiveSessions.lost_by.is_null() & is_latest_dispatch())
        )
    )

    async def finish(
        self,
        session_id: str,
        status: SessionStatus,
        reason: str | None = None,
        *,
        by: Holder | None = None,
    ) -> Session | None:
        """End the session if it lives. Its place and its room are free with the same commit."""
        if not can_be_stored(session_id):
            return None
        free = self._free if by is None else self._free_own
        whose = {} if by is None else {"job": by.job, "dispatch": by.dispatch}
        rows = await self._database.write(
            free.bind(session_id=session_id, **whose),
            *self._ending(session_id, status, reason, self._database.now()),
            self._get.bind(session_id=session_id),
        )
        return session_from(rows[0]) if rows else None

    _free_unheld = CompiledOnce(
        lambda: LiveSessions.delete().where(
            THIS_LIVE, UNHELD, LiveSessions.beats == bind("beats", "integer")
        )
    )

    _given_up = CompiledOnce(
        lambda: Sessions.select(Sessions.session_id).where(
            THIS, Sessions.status == SessionStatus.ERROR.value, Sessions.updated_at == NOW
        )
    )

    async def give_up(self, live: LiveSession, reason: str) -> bool:
        """End it as an error unless a job holds or has held it since `live` was read.

        Returns whether this call ended it.
        """
        session_id, now = live.session.session_id, self._database.now()
        return bool(
            await self._database.write(
                self._free_unheld.bind(session_id=session_id, beats=live.beats),
                *self._ending(session_id, SessionStatus.ERROR, reason, now),
                self._given_up.bind(session_id=session_id, now=now),
            )
        )

    _end = CompiledOnce(lambda: _end_as(SessionStatus.ENDED))
    _fail = CompiledOnce(lambda: _end_as(SessionStatus.ERROR))

    _ended = CompiledOnce(lambda: _event_of(SessionStatus.ENDED, EventKind.ENDED))
    _failed = CompiledOnce(lambda: _event_of(SessionStatus.ERROR, EventKind.ERROR))

    _forget_words = CompiledOnce(
        lambda: Utterances.delete().where(
            Utterances.session_id == bind("session_id"),
            ~fn.EXISTS(LiveSessions.select().where(THIS_LIVE)),
        )
    )

    def _ending(
        self, session_id: str, status: SessionStatus, reason: str | None, now: Any
    ) -> tuple[Step, ...]:
        """The steps that end a session which has no lease any more."""
        end, event = {
            SessionStatus.ENDED: (self._end, self._ended),
            SessionStatus.ERROR: (self._fail, self._failed),
        }[status]
        values = {"session_id": session_id, "status": status.value, "now": now}
        metadata = json.dumps({"reason": reason} if reason else {})
        return (
            end.bind(**values, metadata=metadata),
            event.bind(**values, detail=reason or ""),
            self._forget_words.bind(session_id=session_id),
        )

    _orphans = CompiledOnce(
        lambda: Sessions.select(*COLUMNS).where(
            Sessions.status.in_(sorted(LIVE)),
            ~fn.EXISTS(LiveSessions.select().where(LiveSessions.session_id == Sessions.session_id)),
        )
    )

    async def end_orphans(self) -> list[Session]:
        """End the live sessions without a live row as errors.

        The runtime inserts both rows in one transaction, so another program left these.
        """
        found = [session_from(row) for row in await self._database.scan(self._orphans.bind())]
        for session in found:
            await self.finish(session.session_id, SessionStatus.ERROR, _LEFT_BEHIND)
        return found


def _end_as(status: SessionStatus) -> peewee.Node:
    """UPDATE of a session that has no lease any more to the final `status`."""
    return Sessions.update(end_of_session()).where(
        THIS,
        Sessions.status.in_(sorted(may_become(status))),
        ~fn.EXISTS(LiveSessions.select().where(THIS_LIVE)),
    )


def _event_of(status: SessionStatus, kind: EventKind) -> peewee.Node:
    """INSERT of the event of this end. Its time, which is written once, distinguishes it from any other."""
    ended_now = Sessions.select().where(
        THIS, Sessions.status == status.value, Sessions.updated_at == NOW
    )
    return appended_if(ended_now, kind)
