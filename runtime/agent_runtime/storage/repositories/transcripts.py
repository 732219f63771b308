"""The transcripts of the live sessions, for an agent that takes one over."""

from __future__ import annotations

import logging

import peewee
from peewee import fn

from agent_runtime.domain.lease import Utterance
from agent_runtime.storage.repositories.live import THIS_LIVE
from agent_runtime.storage.repositories.sealing import SessionCipher
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.runtime import LiveSessions, Utterances
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import bind

logger = logging.getLogger(__name__)


class StoredTranscripts(Store):
    """Implements the port TranscriptStore. Sealed texts have the key of their session's live row."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._cipher = SessionCipher()
        self._key: tuple[str, str] | None = None  # of the session that was written to last

    _add = CompiledOnce(
        lambda: Utterances.insert_from(
            LiveSessions.select(LiveSessions.session_id, bind("role"), bind("text")).where(
                THIS_LIVE
            ),
            [Utterances.session_id, Utterances.role, Utterances.text],
        )
    )

    # Sessions of earlier versions have no key yet.
    _make_key = CompiledOnce(
        lambda: LiveSessions.update(
            {LiveSessions.words_key: fn.COALESCE(LiveSessions.words_key, bind("words_key"))}
        ).where(THIS_LIVE)
    )
    _read_key = CompiledOnce(lambda: LiveSessions.select(LiveSessions.words_key).where(THIS_LIVE))

    async def _key_of(self, session_id: str) -> str | None:
        """The session's key, which is read once for a call; None when the session is over."""
        if self._key is None or self._key[0] != session_id:
            rows = await self._database.write(
                self._make_key.bind(session_id=session_id, words_key=self._cipher.new_key()),
                self._read_key.bind(session_id=session_id),
            )
            if not rows:
                return None
            self._key = (session_id, rows[0][0])
        return self._key[1]

    async def add(self, session_id: str, utterance: Utterance, *, sealed: bool = False) -> None:
        """Append the utterance, unless the session is over."""
        text = utterance.text.replace("\0", "")  # PostgreSQL cannot store it
        if sealed:
            key = await self._key_of(session_id)
            if key is None:
                return
            text = self._cipher.seal(key, text, session_id)
        await self._database.write(
            self._add.bind(session_id=session_id, role=utterance.role, text=text)
        )

    _read = CompiledOnce(
        lambda: (
            Utterances.select(Utterances.role, Utterances.text, LiveSessions.words_key)
            .join(
                LiveSessions,
                peewee.JOIN.LEFT_OUTER,
                on=(LiveSessions.session_id == Utterances.session_id),
            )
            .where(Utterances.session_id == bind("session_id"))
            .order_by(peewee.Asc(Utterances.id))
        )
    )

    async def read(self, session_id: str) -> list[Utterance]:
        """All utterances of the session, in order."""
        rows = await self._database.read(self._read.bind(session_id=session_id))
        found = []
        for role, text, key in rows:
            if self._cipher.is_sealed(text):
                try:
                    text = self._cipher.open(key or "", text, session_id)  # noqa: PLW2901
                except ValueError as error:
                    logger.warning("an utterance of session %s is left out: %s", session_id, error)
                    continue
            found.append(Utterance(role, text))
        return found

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
