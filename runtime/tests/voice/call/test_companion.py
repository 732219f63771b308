"""What accompanies a call: each companion closes, whatever the others do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent_runtime.domain.callers.privacy import PrivacyTier
from agent_runtime.domain.lease import Holder
from agent_runtime.domain.session import SessionStatus
from agent_runtime.prices.table import PriceTable
from agent_runtime.voice.call.companion import build_companions, close_companion
from agent_runtime.voice.call.companions.silence_watchdog import SilenceWatchdog
from agent_runtime.voice.call.companions.transcript import TranscriptWriter
from agent_runtime.voice.call.companions.turn_recorder import TurnRecorder
from agent_runtime.voice.call.outcome import Outcome

ENDED = Outcome(SessionStatus.ENDED, "the caller left")


class Broken:
    """A companion that cannot be closed."""

    def listen_to(self, session: Any) -> None:
        """Ignore the session."""

    async def close(self, _outcome: Outcome, /) -> None:
        """Fail."""
        raise ValueError("cannot be closed")


async def test_a_companion_that_fails_to_close_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An error while a companion closes is not raised; the log names the companion and the error."""
    await close_companion(Broken(), ENDED)
    assert "Broken was not closed" in caplog.text
    assert "ValueError: cannot be closed" in caplog.text


async def test_a_call_has_its_watchdog_first() -> None:
    """The watchdog closes before the companions that wait for the database: it plays no clip meanwhile."""
    watchdog = SilenceWatchdog(4, pytest.fail)
    context = SimpleNamespace(
        session_id="abc",
        holder=Holder("AJ_1", "worker"),
        settings=SimpleNamespace(turns_socket="", prices=PriceTable()),
        stores=SimpleNamespace(metrics=None, transcripts=None),
    )
    companions = build_companions(cast("Any", context), watchdog, PrivacyTier.FULL)
    assert [type(each) for each in companions] == [SilenceWatchdog, TurnRecorder, TranscriptWriter]
    assert companions[0] is watchdog
    for each in companions:
        await each.close(ENDED)
