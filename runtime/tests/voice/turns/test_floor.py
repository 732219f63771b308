"""Who has the floor, by what the agent of the session does."""

from __future__ import annotations

import asyncio
from itertools import product

import pytest
from livekit.agents.voice import SpeechHandle

from agent_runtime.voice.turns.floor import UNHEARD, Floor

from .talking import Talk


@pytest.fixture
async def talk() -> Talk:
    """A session whose agent listens."""
    return Talk()


@pytest.fixture
def floor(talk: Talk) -> Floor:
    """The floor of that session."""
    made = Floor()
    made.listen_to(talk)
    return made


async def test_without_a_session_the_agent_has_nothing_to_say() -> None:
    """Before a session is there the floor is the caller's, and no answer is due, begun or withdrawn."""
    floor = Floor()
    assert not floor.agent_has_floor
    assert not floor.answer_is_due
    assert not floor.answer_has_just_begun
    assert not floor.answer_can_be_withdrawn


@pytest.mark.parametrize(
    ("state", "has_floor", "is_due", "can_be_withdrawn"),
    [
        ("speaking", True, False, False),
        ("listening", True, False, True),  # it paused for a voice
        ("thinking", False, True, True),
    ],
)
async def test_a_speech_has_the_floor_is_due_or_waits_by_the_agent_s_state(
    talk: Talk, floor: Floor, state: str, *, has_floor: bool, is_due: bool, can_be_withdrawn: bool
) -> None:
    """A speech in progress has the floor, also in its pause; before its first sound it is due."""
    talk.speaks()
    talk.state = state
    assert floor.agent_has_floor is has_floor
    assert floor.answer_is_due is is_due
    assert floor.answer_can_be_withdrawn is can_be_withdrawn


@pytest.mark.parametrize(
    ("interrupted", "state"), list(product((True, False), ("speaking", "listening", "thinking")))
)
async def test_without_a_speech_the_floor_is_the_caller_s(
    talk: Talk, floor: Floor, state: str, *, interrupted: bool
) -> None:
    """An interrupted speech counts as none, whatever the agent's state."""
    if interrupted:
        talk.speaks().interrupt()
    talk.state = state
    assert not floor.agent_has_floor
    assert not floor.answer_is_due
    assert not floor.answer_can_be_withdrawn


async def test_a_speech_that_may_not_be_interrupted_is_never_withdrawn(
    talk: Talk, floor: Floor
) -> None:
    """An answer stays due when the agent's configuration forbids interruptions."""
    talk.speech, talk.state = SpeechHandle.create(allow_interruptions=False), "thinking"
    assert floor.answer_is_due
    assert not floor.answer_can_be_withdrawn


async def test_an_answer_has_just_begun_for_a_tenth_of_a_second(talk: Talk, floor: Floor) -> None:
    """An answer has just begun from its first sound for `UNHEARD` seconds, and no longer."""
    assert not floor.answer_has_just_begun
    talk.speaks()
    assert floor.answer_has_just_begun
    talk.state = "listening"
    assert not floor.answer_has_just_begun
    talk.state = "speaking"
    await asyncio.sleep(UNHEARD)
    assert not floor.answer_has_just_begun
