"""The transcripts of the live sessions."""

from __future__ import annotations

import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.lease import Utterance
from agent_runtime.domain.session import Session, SessionStatus, new_session
from agent_runtime.storage import Database, RegisteredAgents, StoredSessions, StoredTranscripts
from agent_runtime.storage.schema.runtime import Utterances
from agent_runtime.storage.sql.statements import bind

AGENT = 7


@pytest.fixture
async def session(agents: RegisteredAgents, sessions: StoredSessions) -> Session:
    """A session that waits for its agent."""
    await agents.register(Registration(AGENT, 3, {}, 10))
    made = new_session(AGENT, 3, "lobby", "Ada")
    await sessions.create(made)
    return made


async def test_transcript_lives_as_long_as_its_session(
    sessions: StoredSessions, session: Session, database: Database
) -> None:
    """The next agent reads the transcript in order; after the end there is none, and none is added."""
    transcripts = StoredTranscripts(database)
    for text in ("Hello", "Good\0 day"):
        await transcripts.add(session.session_id, Utterance("user", text))
    assert [said.text for said in await transcripts.read(session.session_id)] == [
        "Hello",
        "Good day",
    ]
    await sessions.finish(session.session_id, SessionStatus.ENDED)
    await transcripts.add(session.session_id, Utterance("user", "too late"))
    assert await transcripts.read(session.session_id) == []


async def test_utterances_without_a_session_are_cleared(
    session: Session, database: Database
) -> None:
    """Clearing deletes utterances written while their session ended, and keeps those of a live one."""
    transcripts, over = StoredTranscripts(database), new_session(AGENT, 3, "hall", "Bob")
    said = Utterance("user", "hello")
    late = database.dialect.compile(
        Utterances.insert(
            {
                Utterances.session_id: bind("session_id"),
                Utterances.role: "user",
                Utterances.text: "late",
            }
        )
    )
    await transcripts.add(session.session_id, said)
    await database.write(late.bind(session_id=over.session_id))
    await transcripts.clear()
    assert await transcripts.read(over.session_id) == []
    assert await transcripts.read(session.session_id) == [said]
