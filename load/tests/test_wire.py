"""Where a turn's time went is told from the stand-ins' recordings, or not told at all."""

from typing import Any

import pytest

from load.report.wire import moments_of
from load.stages import Stage
from load.tests.journals import BEGAN, turn

QUESTION = "What is the weather like in Paris today?"


def seen() -> dict[str, list[dict[str, Any]]]:
    """One turn as the stand-ins saw it: 260, 20, 250, 170, 100, 100 ms."""
    at = BEGAN + 5
    ask = [{"role": "system", "content": "be kind"}, {"role": "user", "content": QUESTION}]
    return {
        "heard": [{"text": QUESTION, "at": at + 0.26}],
        "asked": [{"messages": ask, "at": at + 0.28, "first_token_at": at + 0.53}],
        "spoken": [
            {"text": "It is sunny in Paris today.", "first_text_at": at + 0.7,
             "first_sound_at": at + 0.8, "at": at + 2},
        ],
    }  # fmt: skip


def test_the_parts_add_up_to_voice_to_voice() -> None:
    """The providers' own time is taken off for the overhead."""
    moments = moments_of(turn(), seen())
    assert moments is not None
    assert sum(moments.parts().values()) == pytest.approx(900, abs=0.1)
    assert moments.parts()[Stage.WIRE_TEXT] == pytest.approx(170, abs=0.1)
    assert moments.overhead() == pytest.approx(900 - 150 - 250 - 100, abs=0.1)


@pytest.mark.parametrize("kind", ["heard", "asked", "spoken"])
def test_a_turn_that_may_be_another_calls_is_not_told(kind: str) -> None:
    """Two callers asked the same at the same time."""
    twice = seen()
    twice[kind] *= 2
    assert moments_of(turn(), twice) is None


def test_a_wrong_or_missing_answer_has_no_parts() -> None:
    """There is nothing to explain."""
    assert moments_of(turn(right=False), seen()) is None
    assert moments_of(turn(answered_at=None), seen()) is None
