"""A turn gets its parts from the stand-ins' recordings, or none if they are ambiguous."""

from typing import Any

import pytest

from load.metrics import Metric
from load.report.sources.wire import moments_of
from load.tests.journals import BEGAN, turn

QUESTION = "What is the weather like in Paris today?"


def seen(later: float = 0.0) -> dict[str, list[dict[str, Any]]]:
    """The recordings of one turn, shifted by `later` s; its parts: 260, 20, 250, 170, 100, 100 ms."""
    at = BEGAN + 5 + later
    conversation = [{"role": "system", "content": "be kind"}, {"role": "user", "content": QUESTION}]
    return {
        "heard": [{"text": QUESTION, "at": at + 0.26}],
        "asked": [{"messages": conversation, "at": at + 0.28, "first_token_at": at + 0.53}],
        "spoken": [
            {"text": "It is sunny in Paris today.", "first_text_at": at + 0.7,
             "first_sound_at": at + 0.8, "at": at + 2},
        ],
    }  # fmt: skip


def both(later: float) -> dict[str, list[dict[str, Any]]]:
    """The recordings of two callers that asked the same, one `later` seconds later."""
    one, other = seen(), seen(later)
    return {kind: [*other[kind], *one[kind]] for kind in one}


def test_the_parts_add_up_to_voice_to_voice() -> None:
    """The parts of a turn add up to voice to voice, and overhead excludes the providers' own time."""
    [(matched, moments)] = moments_of([turn()], seen())
    assert matched == turn()
    assert sum(moments.parts().values()) == pytest.approx(900, abs=0.1)
    assert moments.parts()[Metric.WIRE_TEXT] == pytest.approx(170, abs=0.1)
    assert moments.overhead() == pytest.approx(900 - 150 - 250 - 100, abs=0.1)


def test_a_late_transcript_is_not_overhead() -> None:
    """The stand-in recognises for one caller after the other; its extra delay is not overhead."""
    late = seen()
    late["heard"][0]["late"] = 0.06
    [(_, moments)] = moments_of([turn()], late)
    assert moments.overhead() == pytest.approx(900 - 150 - 60 - 250 - 100, abs=0.1)
    assert moments.parts()[Metric.WIRE_STT] == pytest.approx(260, abs=0.1)


@pytest.mark.parametrize("later", [0.05, 0.4])
def test_equal_concurrent_questions_are_matched_in_order(later: float) -> None:
    """Callers that ask the same at the same time each get their own moments, by order."""
    second = turn(call="c-2", spoke_until=BEGAN + 5 + later, answered_at=BEGAN + 5.9 + later)
    found = list(moments_of([second, turn()], both(later)))
    assert [each["call"] for each, _ in found] == ["c-1", "c-2"]
    for _, moments in found:
        assert moments.parts()[Metric.WIRE_STT] == pytest.approx(260, abs=0.1)
        assert moments.parts()[Metric.WIRE_TRANSPORT] == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize("kind", ["heard", "asked", "spoken"])
def test_an_ambiguous_turn_has_no_parts(kind: str) -> None:
    """A turn has no parts when a stand-in saw its question more often than callers asked it."""
    twice = seen()
    twice[kind] *= 2
    assert not list(moments_of([turn()], twice))


def test_a_wrong_or_missing_answer_has_no_parts() -> None:
    """A turn with a wrong or missing answer has no parts."""
    assert not list(moments_of([turn(right=False)], seen()))
    assert not list(moments_of([turn(answered_at=None)], seen()))
