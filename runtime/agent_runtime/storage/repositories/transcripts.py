"""What was said in a live session, for the agent that takes it over."""

from __future__ import annotations

import peewee
from peewee import fn

from agent_runtime.domain.lease import Utterance
from agent_runtime.storage.schema.own import LiveSessions, Utterances
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import bind


class StoredTranscripts:
    """Implements the port ConversationStore."""

    def __init__(self, database: Database) -> None:
        self._database = database
        compile_ = database.dialect.compile
        live = LiveSessions.select(LiveSessions.session_id, bind("role"), bind("text")).where(
            LiveSessions.session_id == bind("session_id")
        )
        self._add = compile_(
            Utterances.insert_from(live, [Utterances.session_id, Utterances.role, Utterances.text])
        )
        # What was being added while its session came to an end.
        self._clear = compile_(
            Utterances.delete().where(
                ~fn.EXISTS(
                    LiveSessions.select(LiveSessions.session_id).where(
                        LiveSessions.session_id == Utterances.session_id
                    )
                )
            )
        )
        self._all = compile_(
            Utterances.select(Utterances.role, Utterances.text)
            .where(Utterances.session_id == bind("session_id"))
            .order_by(peewee.Asc(Utterances.id))
        )

    async def add(self, session_id: str, utterance: Utterance) -> None:
        """Append; nothing of a session that is over is kept."""
        text = utterance.text.replace("\0", "")  # PostgreSQL has no place for it
        await self._database.write(
            self._add.bind(session_id=session_id, role=utterance.role, text=text)
        )

    async def read(self, session_id: str) -> list[Utterance]:
        """All of it, in order."""
        rows = await self._database.read(self._all.bind(session_id=session_id))
        return [Utterance(role, text) for role, text in rows]

    async def clear(self) -> None:
        """Forget what was said in sessions that are over."""
        await self._database.write(self._clear.bind())
