"""What the database holds of callers and conversations, by the tier of the agent."""

from __future__ import annotations

import json

import pytest

from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.callers.privacy import PrivacyTier, Pseudonyms
from agent_runtime.domain.lease import Utterance
from agent_runtime.domain.session import Session, SessionStatus, new_session
from agent_runtime.storage import (
    Database,
    RegisteredAgents,
    StoredLeases,
    StoredSessions,
    StoredTranscripts,
)
from agent_runtime.storage.repositories.keeping import Keeping
from runtime.tests.storage.dashboard import execute

NAME = "Ada Lovelace"
TELEPHONE = "+4930123456789"
GIVEN = {"participantName": NAME, "participantIdentity": TELEPHONE}


@pytest.fixture(params=list(PrivacyTier))
def tier(request: pytest.FixtureRequest) -> PrivacyTier:
    """Each tier."""
    found: PrivacyTier = request.param
    return found


def kept(url: str) -> str:
    """Every text of the rows of sessions, leases and utterances."""
    return repr(
        [
            execute(url, f"SELECT * FROM {table}")
            for table in (
                "agent_instance_sessions",
                "runtime_live_sessions",
                "runtime_utterances",
                "runtime_session_events",
            )
        ]
    )


async def session_of(
    database: Database, agents: RegisteredAgents, tier: PrivacyTier | None, default: PrivacyTier
) -> Session:
    """A new session of an agent with that tier, in a deployment with that default."""
    await agents.register(Registration(7, 3, {}, 10, privacy=tier))
    session = new_session(7, 3, "lobby", NAME, TELEPHONE)
    await StoredSessions(database, keeping=Keeping(default, "secret")).create(session)
    return session


async def test_replacing_agent_gets_all_that_the_tier_hides(
    database: Database, agents: RegisteredAgents, tier: PrivacyTier, url: str
) -> None:
    """Name, identity and words are readable in the tier full only; the next agent gets them in each."""
    session = await session_of(database, agents, tier, PrivacyTier.FULL)
    said = Utterance("user", "I am Ada, my card is 4242 4242.")
    sealed = tier is not PrivacyTier.FULL
    await StoredTranscripts(database).add(session.session_id, said, sealed=sealed)
    (live,) = await StoredLeases(database).live()
    assert live.variables == GIVEN
    assert await StoredTranscripts(database).read(session.session_id) == [said]
    found = kept(url)
    for word in ("Ada", "Lovelace", "4930123456789", "4242", "card"):
        assert (word in found) is not sealed, word


async def test_tier_of_the_setting_is_that_of_agents_without_one(
    database: Database, agents: RegisteredAgents, tier: PrivacyTier, url: str
) -> None:
    """The setting decides for agents whose configuration names no tier, and for no other."""
    await session_of(database, agents, None, tier)
    assert (NAME in kept(url)) is (tier is PrivacyTier.FULL)
    await session_of(database, agents, PrivacyTier.FULL, tier)
    assert NAME in kept(url)


async def test_identity_that_is_a_number_becomes_a_pseudonym(
    database: Database, agents: RegisteredAgents, url: str
) -> None:
    """The row of a session has the pseudonym of a number, and in the tier redacted other identities."""
    await session_of(database, agents, PrivacyTier.REDACTED, PrivacyTier.FULL)
    ((metadata,),) = execute(url, "SELECT metadata FROM agent_instance_sessions")
    details = json.loads(metadata) if isinstance(metadata, str) else metadata
    assert details == {"participantIdentity": Pseudonyms("secret").of(TELEPHONE)}
    session = new_session(7, 3, "hall", NAME, "visitor-ab")
    await StoredSessions(database).create(session)
    assert "visitor-ab" in kept(url)


async def test_key_goes_with_the_session(
    database: Database, agents: RegisteredAgents, sessions: StoredSessions, url: str
) -> None:
    """After the end there is neither the key nor a sealed word; each session has a key of its own."""
    first = await session_of(database, agents, PrivacyTier.NONE, PrivacyTier.FULL)
    second = await session_of(database, agents, PrivacyTier.NONE, PrivacyTier.FULL)
    keys = {key for (key,) in execute(url, "SELECT words_key FROM runtime_live_sessions")}
    assert len(keys) == 2
    for session in (first, second):
        await StoredTranscripts(database).add(
            session.session_id, Utterance("user", "Hi"), sealed=True
        )
        await sessions.finish(session.session_id, SessionStatus.ENDED)
    found = kept(url)
    assert not any(key in found for key in keys)
    assert "sealed:" not in found


async def test_words_of_an_earlier_version_are_read(
    database: Database, agents: RegisteredAgents, url: str
) -> None:
    """A session without a key gets one with its first sealed word; words in clear are read as they are."""
    session = await session_of(database, agents, PrivacyTier.NONE, PrivacyTier.FULL)
    execute(url, "UPDATE runtime_live_sessions SET words_key = NULL, variables = '{}'")
    for text, sealed in (("in clear", False), ("hidden", True)):
        await StoredTranscripts(database).add(
            session.session_id, Utterance("user", text), sealed=sealed
        )
    read = await StoredTranscripts(database).read(session.session_id)
    assert [one.text for one in read] == ["in clear", "hidden"]
    assert "hidden" not in kept(url)


async def test_word_of_another_session_is_left_out(
    database: Database, agents: RegisteredAgents, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A sealed word that was moved to another session is not read there, and the log has no word of it."""
    first = await session_of(database, agents, PrivacyTier.NONE, PrivacyTier.FULL)
    second = await session_of(database, agents, PrivacyTier.NONE, PrivacyTier.FULL)
    await StoredTranscripts(database).add(first.session_id, Utterance("user", "Hi"), sealed=True)
    execute(url, f"UPDATE runtime_utterances SET session_id = '{second.session_id}'")
    assert await StoredTranscripts(database).read(second.session_id) == []
    assert "is left out" in caplog.text
