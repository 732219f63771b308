"""Every byte that a conversation leaves behind: database, write-ahead log, log, temporary files."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import psycopg2
import pytest
from livekit.agents import AgentSession, ConversationItemAddedEvent
from livekit.agents.llm import ChatMessage

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.callers.privacy import PrivacyTier
from agent_runtime.domain.ports.sessions import TranscriptStore
from agent_runtime.domain.session import Session, SessionStatus, new_session
from agent_runtime.storage import Database, RegisteredAgents, StoredSessions, StoredTranscripts
from agent_runtime.storage.repositories.keeping import Keeping
from agent_runtime.telemetry.logs import configure_logging
from agent_runtime.telemetry.private_logs import CallLog
from agent_runtime.voice.call.companions.transcript import TranscriptWriter
from agent_runtime.voice.call.outcome import Outcome

NAME = "Zerubbabel Quixote"
IDENTITY = "+4930998877665"
SAID = (
    "I am Zerubbabel, my card is 4929 1234 5678 9012",
    "or nine two nine four nine two, and qui@xote.example",
    "the watermelon is for Quixote at 0170 998877665",
)
# PostgreSQL's write-ahead log is that of all tests: what the tier `full` leaves there has other letters.
OTHERS = str.maketrans("uioe98", "oiuy17")
# What must not be found, by tier.
PERSONAL = (
    "Zerubbabel",
    "Quixote",
    "4930998877665",
    "998877665",
    "5678 9012",
    "nine two",
    "xote.ex",
)
PLANTED = {
    PrivacyTier.FULL: (),
    PrivacyTier.REDACTED: PERSONAL,
    PrivacyTier.NONE: (*PERSONAL, "watermelon"),
}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The process's log, in the folder that also has the temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    path = tmp_path / "process.log"
    with path.open("w") as stream:
        configure_logging("DEBUG", "json", stream)
        yield path
    for handler in root.handlers:
        handler.filters.clear()  # pytest keeps its own for the next test
    root.handlers[:] = handlers
    root.setLevel(level)


def bytes_of(folder: Path, url: str) -> bytes:
    """The files of the folder; of PostgreSQL its tables' files and its write-ahead log."""
    found = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    if url.startswith("sqlite"):
        return found
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute(
            "SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class"
            " WHERE relkind IN ('r', 'i', 't') AND relfilenode > 0 AND oid >= 16384"
        )
        found += b"".join(bytes(row[0]) for row in cursor.fetchall())
        cursor.execute(
            "SELECT pg_read_binary_file('pg_wal/' || name) FROM pg_ls_waldir() ORDER BY modification"
        )
        found += b"".join(bytes(row[0]) for row in cursor.fetchall())
    connection.close()
    return found


async def converse(
    session: Session, database: Database, tier: PrivacyTier, said: Sequence[str]
) -> CallLog:
    """The caller says all that is planted, and libraries log it; the job is handed over."""
    kept = CallLog(tier, [NAME])
    if tier is not PrivacyTier.FULL:
        kept.start()
    live = AgentSession[None]()
    store = cast("TranscriptStore", StoredTranscripts(database))
    writer = TranscriptWriter(session.session_id, store, sealed=tier is not PrivacyTier.FULL)
    writer.listen_to(live)
    for text in said:
        item = ChatMessage(role="user", content=[text])
        live.emit("conversation_item_added", ConversationItemAddedEvent(item=item))
        logging.getLogger("livekit.agents").debug("user said %s", text, extra={"heard": text})
        logging.getLogger("agent_runtime.voice").warning("provider failed: quoted %s", text)
    await writer.close(Outcome(None, "lost"))
    return kept


@pytest.mark.parametrize("tier", list(PrivacyTier))
async def test_no_planted_word_is_found(
    database: Database,
    database_kind: str,
    agents: RegisteredAgents,
    log: Path,
    url: str,
    tier: PrivacyTier,
) -> None:
    """Outside its tier no planted number, name or word is in any byte, in the call and after it."""
    if database_kind == "postgresql-unprepared":
        return  # the same rows
    await agents.register(Registration(7, 3, {}, 10, privacy=tier))
    sessions = StoredSessions(database, keeping=Keeping(secret="secret"))
    # A tier that keeps words leaves no "watermelon" in the write-ahead log, either.
    other = OTHERS if tier is PrivacyTier.FULL else {}
    if tier is PrivacyTier.REDACTED:
        other = {ord("w"): "v"}
    name, said = NAME.translate(other), tuple(text.translate(other) for text in SAID)
    session = new_session(7, 3, "lobby", name, IDENTITY.translate(other))
    await sessions.create(session)
    kept = await converse(session, database, tier, said)
    read = await StoredTranscripts(database).read(session.session_id)
    assert tuple(one.text for one in read) == said
    in_call = await asyncio.to_thread(bytes_of, log.parent, url)
    await sessions.finish(
        session.session_id, SessionStatus.ERROR, kept.reason(f"a provider failed: {said[2]}")
    )
    after = await asyncio.to_thread(bytes_of, log.parent, url)
    assert session.session_id.encode() in in_call  # the search finds what is there
    for found in (in_call, after):
        counts = {word: found.count(word.encode()) for word in PLANTED[tier]}
        assert not any(counts.values()), counts
    if tier is PrivacyTier.FULL:
        assert all(word.translate(OTHERS).encode() in in_call for word in (*PERSONAL, "watermelon"))
