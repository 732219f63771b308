"""The log of a call holds of its conversation what the tier of its agent allows."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator

import pytest

from agent_runtime.domain.callers.privacy import PrivacyTier
from agent_runtime.telemetry.logs import configure_logging
from agent_runtime.telemetry.private_logs import CallLog

WORDS = "my card is 4242 4242 4242 4242 says Ada Lovelace"


@pytest.fixture
def log_of() -> Iterator[Callable[[PrivacyTier], str]]:
    """Writes lines as a call does in a tier, and returns the log."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def write(tier: PrivacyTier) -> str:
        stream = io.StringIO()
        configure_logging("DEBUG", "json", stream)
        if tier is not PrivacyTier.FULL:
            CallLog(tier, ["Ada Lovelace"]).start()
        logging.getLogger("livekit.agents").warning(
            "answer: %s", WORDS, extra={"lk.text": WORDS, "room": "agent-7-room_+4930123456_x"}
        )
        logging.getLogger("livekit.agents").debug(f"heard {WORDS}")
        try:
            raise ValueError(WORDS)
        except ValueError:
            logging.getLogger("agent_runtime.voice").exception("provider failed: %s", WORDS)
        logging.getLogger("agent_runtime.voice").info(
            "participant connected", extra={"participant": "Ada Lovelace", "session": "V1St8842"}
        )
        return stream.getvalue()

    yield write
    for handler in root.handlers:
        handler.filters.clear()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_full_changes_nothing(log_of: Callable[[PrivacyTier], str]) -> None:
    """In the tier full the log is as without a tier."""
    assert log_of(PrivacyTier.FULL).count(WORDS) >= 5


def test_redacted_keeps_words_without_numbers_and_names(
    log_of: Callable[[PrivacyTier], str],
) -> None:
    """Words stay, numbers and names go: in messages, fields, tracebacks and the room's name."""
    found = log_of(PrivacyTier.REDACTED)
    assert "provider failed: my card is [number] says [name] [name]" in found
    assert "ValueError" in found
    assert "V1St8842" in found
    for planted in ("4242", "Ada", "Lovelace", "4930123456"):
        assert planted not in found


def test_none_keeps_no_word(log_of: Callable[[PrivacyTier], str]) -> None:
    """No word of libraries or errors stays; our own messages do, without their details."""
    found = log_of(PrivacyTier.NONE)
    for planted in ("4242", "Ada", "Lovelace", "4930123456", "card", "heard"):
        assert planted not in found
    assert '"message":"provider failed"' in found
    assert '"exception":"ValueError"' in found
    assert "V1St8842" in found


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        (PrivacyTier.FULL, f"a provider failed: {WORDS}"),
        (PrivacyTier.REDACTED, "a provider failed: my card is [number] says [name] [name]"),
        (PrivacyTier.NONE, "a provider failed"),
    ],
)
def test_reasons(tier: PrivacyTier, expected: str) -> None:
    """The reason of a session's end loses the same words as the log."""
    assert CallLog(tier, ["Ada Lovelace"]).reason(f"a provider failed: {WORDS}") == expected
