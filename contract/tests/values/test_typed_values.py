"""Typed places: times and texts of which only the form is fixed."""

from __future__ import annotations

import pytest

from contract.values.documents import Number
from contract.values.typed_values import CLOCK_SKEW, Matching, Moment, Window, form_of_id

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("2026-01-01T12:00:00.000Z", None),
        ("2026-01-01T11:59:56.000Z", None),
        ("2026-01-01T12:00:05.900Z", None),
        ("2026-01-01T11:59:54.000Z", "is too early"),
        ("2026-01-01T12:00:07.000Z", "is too late"),
        ("2026-01-01T12:00:00Z", "is not written as 9999-99-99T99:99:99.999Z"),
        ("2026-01-01T12:00:00.000+00:00", "is not written as 9999-99-99T99:99:99.999Z"),
        ("2026-13-01T12:00:00.000Z", "is no time"),
        (Number("1767268800000"), "is no text"),
        (None, "is no text"),
    ],
)
def test_a_moment_has_a_form_and_a_window(value: object, fault: str | None) -> None:
    """A time passes within its window and the clock skew, in exactly its form."""
    assert CLOCK_SKEW == 5.0
    assert Moment(Window(NOON, NOON + 1)).fault(value) == fault  # type: ignore[arg-type]


def test_the_form_is_that_of_the_other_service() -> None:
    """A moment in another form accepts that form alone."""
    moment = Moment(Window(NOON, NOON), "9999-99-99")
    assert moment.fault("2026-01-01T12:00:00.000Z") is not None
    assert str(moment) == "a time as 9999-99-99"


def test_matching_is_over_the_whole_text() -> None:
    """A pattern must match from begin to end, and only texts match."""
    marker = Matching(r"no \w+")
    assert marker.fault("no agent") is None
    assert marker.fault("no agent 7") == r"does not match /no \w+/"
    assert marker.fault(None) == "is no text"


def test_the_form_of_an_id_is_length_and_alphabet() -> None:
    """Ids of one generator have one form; another length or alphabet is another form."""
    assert form_of_id("V1StGXR8_Z5jdHi6B-myT") == "21 characters, nanoid alphabet"
    assert form_of_id("a b") == "3 characters, other alphabet"
