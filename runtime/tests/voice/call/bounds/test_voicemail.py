"""What answers a call is known before the agent speaks, where the agent's configuration wants it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Self

import pytest
from livekit.agents.voice import amd

from agent_runtime.domain.session import NO_ANSWER, VOICEMAIL
from agent_runtime.voice.call.bounds import voicemail
from agent_runtime.voice.call.bounds.voicemail import VoicemailDetection
from agent_runtime.voice.call.companions.silence_watchdog import SilenceWatchdog

from .talking_session import TalkingSession


class Detection:
    """The framework's detection, with a result that the test sets."""

    category = "human"
    given: dict[str, Any] = {}  # noqa: RUF012 - of one test

    def __init__(self, _session: Any, **given: Any) -> None:
        type(self).given = given

    async def __aenter__(self) -> Self:
        """Listen."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""

    async def execute(self) -> Any:
        """The result; never one for `stuck`."""
        if self.category == "stuck":
            await asyncio.get_running_loop().create_future()
        return SimpleNamespace(category=SimpleNamespace(value=self.category), reason="llm")


@pytest.mark.parametrize(
    ("category", "reason", "said"),
    [
        ("human", None, None),
        ("machine-ivr", None, None),
        ("uncertain", None, None),
        ("stuck", None, None),
        ("machine-vm", VOICEMAIL, "Please call us back."),
        ("machine-unavailable", NO_ANSWER, None),
    ],
)
async def test_a_machine_ends_the_call(
    monkeypatch: pytest.MonkeyPatch, category: str, reason: str | None, said: str | None
) -> None:
    """A voicemail gets the message and ends the call; a person, a menu and all else get the agent."""
    monkeypatch.setattr(amd, "AMD", Detection)
    monkeypatch.setattr(Detection, "category", category)
    monkeypatch.setattr(voicemail, "LONGEST", 0.1)
    session, ended = TalkingSession(), asyncio.Queue[str]()
    watchdog = SilenceWatchdog(0.01, pytest.fail)
    detection = VoicemailDetection("Please call us back.", watchdog, ended.put_nowait)
    detection.listen_to(session)
    await detection.caller_arrived(None)
    assert (None if ended.empty() else ended.get_nowait()) == reason
    assert (None if session.said.empty() else session.said.get_nowait()) == said
    assert Detection.given["participant_identity"] == "caller"
    assert (Detection.given["llm"], Detection.given["stt"]) == (None, None)


async def test_a_call_that_continues_has_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that takes over a conversation does not ask who answers."""
    monkeypatch.setattr(amd, "AMD", None)
    detection = VoicemailDetection(None, SilenceWatchdog(0, pytest.fail), pytest.fail)
    detection.listen_to(TalkingSession())
    await detection.caller_arrived(datetime.now(UTC))
