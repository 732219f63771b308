"""Bounds of a call in a real room: each ends it with a word that the caller hears, and a reason."""

from __future__ import annotations

import asyncio

import pytest

from agent_runtime.domain.session import CALLER_SILENT, LONGEST_CALL, SessionStatus
from fixtures.speech import ANSWERS, clip
from fixtures.speech.sentences import SENTENCES
from runtime.tests.voice.call.test_call import Scene, scene

# Callers speak and listen in real time.
pytestmark = [pytest.mark.alone, pytest.mark.services]

__all__ = ["scene"]


async def test_a_silent_caller_is_asked_and_let_go(scene: Scene) -> None:
    """A caller who says nothing is asked, hears a good-bye, and the row has the reason."""
    room = f"silent-{scene.agent_id}"
    phrases = {"stillThere": ANSWERS["opening"], "silenceGoodbye": ANSWERS["goodbye"]}
    session = await scene.create(room, silenceTimeout=2, phrases=phrases)
    async with scene.caller(room) as caller:
        for sentence in ("greeting", "opening", "goodbye"):
            assert await scene.hears(caller) == ANSWERS[sentence]
        ended = await scene.ended(session.session_id)
    assert (ended.status, ended.reason) == (SessionStatus.ENDED, CALLER_SILENT)


async def test_a_call_ends_at_its_longest_duration(scene: Scene) -> None:
    """At the longest duration a caller who still talks hears a good-bye, and the row has the reason."""
    room = f"long-{scene.agent_id}"
    phrases = {"durationGoodbye": ANSWERS["goodbye"]}
    session = await scene.create(room, maxConversationDuration=30, phrases=phrases)
    async with scene.caller(room) as caller:
        assert await scene.hears(caller) == ANSWERS["greeting"]
        await scene.is_answered(caller, "weather")
        caller.forget()
        heard = await caller.hear(40)
        text = await asyncio.to_thread(scene.recogniser.recognise, heard.sound)
        assert text == ANSWERS["goodbye"]
        ended = await scene.ended(session.session_id)
    assert (ended.status, ended.reason) == (SessionStatus.ENDED, LONGEST_CALL)
    assert ended.duration_seconds is not None
    assert 30 <= ended.duration_seconds <= 45


async def test_a_text_is_answered_within_bounds(scene: Scene) -> None:
    """A text of the caller is answered with chatEnabled; one of 3 MB changes nothing."""
    room = f"chat-{scene.agent_id}"
    await scene.create(room, chatEnabled=True)
    async with scene.caller(room) as caller:
        assert await scene.hears(caller) == ANSWERS["greeting"]
        caller.forget()
        await caller.write("x" * 3_000_000)
        await caller.write(SENTENCES["weather"])
        assert await scene.hears(caller) == ANSWERS["weather"]
        await scene.is_answered(caller, "opening")


async def test_a_person_who_answers_is_greeted(scene: Scene) -> None:
    """With voicemailDetection the agent listens first; who is not known to be a machine gets the agent.

    The stand-in of the language model does not know the question that the detection asks it.
    """
    room = f"answered-{scene.agent_id}"
    since = scene.worker.mark()
    session = await scene.create(room, voicemailDetection=True)
    async with scene.caller(room) as caller:
        await scene.session_when(session.session_id, lambda s: s.status is SessionStatus.ACTIVE)
        await caller.say(clip("stop"))
        await scene.logged("answered by: (human|uncertain)", since)
        assert await scene.hears(caller) in ANSWERS.values()
        row = await scene.stores.sessions.get(session.session_id)
        assert row is not None
        assert row.status is SessionStatus.ACTIVE
