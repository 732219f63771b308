"""The outcome of a call reaches the database, also after its errors."""

from __future__ import annotations

from typing import Any, cast

import pytest

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.lease import Holder
from agent_runtime.domain.session import SessionStatus
from agent_runtime.secrecy import known
from agent_runtime.voice.call import outcome as outcome_module
from agent_runtime.voice.call.outcome import FINISH_TRIES, Outcome, OutcomeWriter
from agent_runtime.voice.jobs.stores import Stores

HOLDER = Holder("AJ_1", "worker-one")
ENDED = Outcome(SessionStatus.ENDED, "the caller left")


class Rows:
    """The sessions and leases of a database that fails with the test's errors, one by one."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked = 0
        self.written: list[tuple[Any, ...]] = []

    async def finish(self, *given: Any, by: Holder) -> None:
        """Write a final row."""
        assert by is HOLDER
        self._write(given)

    async def release(self, *given: Any) -> None:
        """Give a session back."""
        self._write(given)

    def _write(self, given: tuple[Any, ...]) -> None:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        self.written.append(given)


def writer_of(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> OutcomeWriter:
    """A writer that does not pause between attempts."""
    monkeypatch.setattr(outcome_module, "FINISH_PAUSE", 0.0)
    stores = Stores(*[cast("Any", rows)] * 6)
    return OutcomeWriter(stores, "abc", HOLDER)


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ValueError("cached plan")])
async def test_the_final_row_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The final row is written again after any error, also one that the store does not translate."""
    rows = Rows(error, error)
    await writer_of(rows, monkeypatch).write(ENDED)
    assert rows.written == [("abc", SessionStatus.ENDED, "the caller left")]


async def test_a_reason_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that the process knows, and a password in an address, are hidden before the row is written."""
    monkeypatch.setattr(known, "_known", [])
    known.remember(["planted-key"])
    rows = Rows()
    writer = writer_of(rows, monkeypatch)
    said = "refused planted-key at https://u:word@host"
    for status in (SessionStatus.ERROR, None):
        await writer.write(Outcome(status, said))
    assert "planted-key" not in str(rows.written)
    assert "word" not in str(rows.written)
    assert str(rows.written).count("refused") == 2


async def test_a_final_row_that_cannot_be_written_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After the last attempt the log has the row's reason, and a trace of each untranslated error."""
    rows = Rows(*[ValueError("bad row")] * FINISH_TRIES)
    await writer_of(rows, monkeypatch).write(ENDED)
    assert (rows.asked, rows.written) == (FINISH_TRIES, [])
    assert caplog.text.count("ValueError: bad row") == FINISH_TRIES
    assert vars(caplog.records[-1])["reason"] == "the caller left"


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ValueError("bad row")])
async def test_a_session_that_cannot_be_given_back_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """A failed hand-back is logged and not repeated: the lease expires by itself."""
    rows = Rows(error)
    await writer_of(rows, monkeypatch).write(Outcome(None, "left the room"))
    assert rows.asked == 1
    assert "session not given back" in caplog.text
    assert str(error) in caplog.text
