"""The transcripts of the live sessions, for an agent that takes one over."""

from __future__ import annotations

import peewee
from peewee import fn

from agent_runtime.domain.lease import Utterance
from agent_runtime.storage.repositories.live import THIS_LIVE
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.runtime import LiveSessions, Utterances
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.statements import bind


class StoredTranscripts(Store):
    """Implements the port TranscriptStore."""

    _add = CompiledOnce(
        lambda: Utterances.insert_from(
            LiveSessions.select(LiveSessions.session_id, bind("role"), bind("text")).where(
                THIS_LIVE
            ),
            [Utterances.session_id, Utterances.role, Utterances.text],
        )
    )

    async def add(self, session_id: str, utterance: Utterance) -> None:
        """Append the utterance, unless the session is over."""
        text = utterance.text.replace("\0", "")  # PostgreSQL cannot store it
        await self._database.write(
            self._add.bind(session_id=session_id, role=utterance.role, text=text)
        )

    _read = CompiledOnce(
        lambda: (
            Utterances.select(Utterances.role, Utterances.text)
            .where(Utterances.session_id == bind("session_id"))
            .order_by(peewee.Asc(Utterances.id))
        )
    )

    async def read(self, session_id: str) -> list[Utterance]:
        """All utterances of the session, in order."""
        rows = await self._database.read(self._read.bind(session_id=session_id))
        return [Utterance(role, text) for role, text in rows]

    # An utterance outlives its session if it was being added while the session ended.
    _clear = CompiledOnce(
        lambda: Utterances.delete().where(
            ~fn.EXISTS(
                LiveSessions.select(LiveSessions.session_id).where(
                    LiveSessions.session_id == Utterances.session_id
                )
            )
        )
    )

    async def clear(self) -> None:
        """Delete the utterances of sessions that are over."""
        await self._database.write(self._clear.bind())
