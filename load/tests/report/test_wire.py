"""Where a turn's time went is told from the stand-ins' recordings, or not told at all."""

from typing import Any

import pytest

from load.metrics import Metric
from load.report.sources.wire import moments_of
from load.tests.journals import BEGAN, turn

QUESTION = "What is the weather like in Paris today?"


def seen(later: float = 0.0) -> dict[str, list[dict[str, Any]]]:
    """One turn as the stand-ins saw it, `later` by so many seconds: 260, 20, 250, 170, 100, 100 ms."""
    at = BEGAN + 5 + later
    ask = [{"role": "system", "content": "be kind"}, {"role": "user", "content": QUESTION}]
    return {
        "heard": [{"text": QUESTION, "at": at + 0.26}],
        "asked": [{"messages": ask, "at": at + 0.28, "first_token_at": at + 0.53}],
        "spoken": [
            {"text": "It is sunny in Paris today.", "first_text_at": at + 0.7,
             "first_sound_at": at + 0.8, "at": at + 2},
        ],
    }  # fmt: skip


def both(later: float) -> dict[str, list[dict[str, Any]]]:
    """Two callers asked the same, one a little later."""
    one, other = seen(), seen(later)
    return {kind: [*other[kind], *one[kind]] for kind in one}


def test_the_parts_add_up_to_voice_to_voice() -> None:
    """The providers' own time is taken off for the overhead."""
    [(told, moments)] = moments_of([turn()], seen())
    assert told == turn()
    assert sum(moments.parts().values()) == pytest.approx(900, abs=0.1)
    assert moments.parts()[Metric.WIRE_TEXT] == pytest.approx(170, abs=0.1)
    assert moments.overhead() == pytest.approx(900 - 150 - 250 - 100, abs=0.1)


def test_a_transcript_that_came_late_is_not_the_runtimes_fault() -> None:
    """The stand-in recognises for all callers one after the other; what that took is taken off too."""
    late = seen()
    late["heard"][0]["late"] = 0.06
    [(_, moments)] = moments_of([turn()], late)
    assert moments.overhead() == pytest.approx(900 - 150 - 60 - 250 - 100, abs=0.1)
    assert moments.parts()[Metric.WIRE_STT] == pytest.approx(260, abs=0.1)


@pytest.mark.parametrize("later", [0.05, 0.4])
def test_callers_who_ask_the_same_at_the_same_time_are_told_apart_by_order(later: float) -> None:
    """Each keeps its own moments."""
    second = turn(call="c-2", spoke_until=BEGAN + 5 + later, answered_at=BEGAN + 5.9 + later)
    found = list(moments_of([second, turn()], both(later)))
    assert [each["call"] for each, _ in found] == ["c-1", "c-2"]
    for _, moments in found:
        assert moments.parts()[Metric.WIRE_STT] == pytest.approx(260, abs=0.1)
        assert moments.parts()[Metric.WIRE_TRANSPORT] == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize("kind", ["heard", "asked", "spoken"])
def test_a_turn_that_may_be_another_calls_is_not_told(kind: str) -> None:
    """A stand-in saw it more often than callers asked."""
    twice = seen()
    twice[kind] *= 2
    assert not list(moments_of([turn()], twice))


def test_a_wrong_or_missing_answer_has_no_parts() -> None:
    """There is nothing to explain."""
    assert not list(moments_of([turn(right=False)], seen()))
    assert not list(moments_of([turn(answered_at=None)], seen()))
