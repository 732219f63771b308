"""How a call leaves its session, whatever the database says to it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.lease import Holder
from agent_runtime.domain.session import SessionStatus
from agent_runtime.voice.call import outcome as ending
from agent_runtime.voice.call.outcome import FINISH_TRIES, OutcomeWriter, logged
from agent_runtime.voice.jobs.stores import Stores

HOLDER = Holder("AJ_1", "worker-one")


class Rows:
    """The sessions and leases of a database that fails as often as the test says."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked = 0
        self.written: list[tuple[Any, ...]] = []

    async def finish(self, *given: Any, by: Holder) -> None:
        """Of the sessions."""
        assert by is HOLDER
        self._write(given)

    async def release(self, *given: Any) -> None:
        """Of the leases."""
        self._write(given)

    def _write(self, given: tuple[Any, ...]) -> None:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        self.written.append(given)


def ending_of(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> OutcomeWriter:
    """One that loses no time."""
    monkeypatch.setattr(ending, "FINISH_PAUSE", 0.0)
    stores = Stores(*[cast("Any", rows)] * 6)
    return OutcomeWriter(stores, "abc", HOLDER)


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ValueError("cached plan")])
async def test_the_final_row_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """After whatever the database said."""
    rows = Rows(error, error)
    await ending_of(rows, monkeypatch).finish(SessionStatus.ENDED, "the caller left")
    assert rows.written == [("abc", SessionStatus.ENDED, "the caller left")]


async def test_a_final_row_that_cannot_be_written_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With what it would have said, and the trace of what the database did not translate."""
    rows = Rows(*[ValueError("bad row")] * FINISH_TRIES)
    await ending_of(rows, monkeypatch).finish(SessionStatus.ENDED, "the caller left")
    assert (rows.asked, rows.written) == (FINISH_TRIES, [])
    assert caplog.text.count("ValueError: bad row") == FINISH_TRIES
    assert vars(caplog.records[-1])["reason"] == "the caller left"


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ValueError("bad row")])
async def test_a_session_that_cannot_be_given_back_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """Its lease runs out by itself, so nothing is tried again."""
    rows = Rows(error)
    await ending_of(rows, monkeypatch).release("left the room")
    assert rows.asked == 1
    assert "session not given back" in caplog.text
    assert str(error) in caplog.text


async def test_what_fails_is_logged_and_what_follows_is_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With its trace."""

    async def work() -> None:
        raise ValueError("of the figures")

    await logged("to write figures", work())
    assert "to write figures failed" in caplog.text
    assert "ValueError: of the figures" in caplog.text
