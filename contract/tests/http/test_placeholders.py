"""Placeholders: forms of a target's own key, and times relative to the run."""

from __future__ import annotations

import pytest

from contract.http.messages import RECORDED_KEY, Request
from contract.http.placeholders import at_time, form_of_key, with_key

NOW = 1_767_225_599.25  # 2025-12-31T23:59:59.250Z


def sent(value: str, key: str = "Abc-123") -> str:
    """The Authorization header as a target with this key gets it."""
    found = with_key(Request("GET", "/", (("Authorization", value),)), key).header("authorization")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (f"Bearer {RECORDED_KEY}", "Bearer Abc-123"),
        ("Bearer <<key[:1]>>", "Bearer A"),
        ("Bearer <<key.upper()>>", "Bearer ABC-123"),
        ("<<key[:3]>>Bearer <<key[3:]>>", "AbcBearer -123"),
        ("Basic <<b64(':' + key)>>", "Basic OkFiYy0xMjM="),
    ],
)
def test_forms_are_made_of_the_targets_own_key(recorded: str, expected: str) -> None:
    """A service that takes a prefix of its key is only found out by a prefix of that very key."""
    assert sent(recorded) == expected


def test_a_form_that_is_the_key_by_chance_is_wrong_all_the_same() -> None:
    """The lower case of a key in lower case would be right, and the ledger says it is wrong."""
    assert form_of_key("key.lower()", "abc") == "abc~"
    assert form_of_key("key", "abc") == "abc"


def test_a_key_in_the_query_is_encoded() -> None:
    """In a target the key is percent-encoded."""
    request = Request("GET", "/x?api_key=<<key>>", ())
    assert with_key(request, "a b&c").target == "/x?api_key=a%20b%26c"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("day(0)", "2025-12-31"),
        ("day(-1)", "2025-12-30"),
        ("moment()", "2025-12-31T23%3A59%3A59.250Z"),
        ("moment(hours=1, zone='+05:30')", "2026-01-01T06%3A29%3A59.250%2B05%3A30"),
        ("moment(digits=0, zone='')", "2025-12-31T23%3A59%3A59"),
        ("told('<session-1>/startedAt', ms=1)", "2026-01-01T00%3A00%3A00.001Z"),
        ("told('<session-2>/startedAt')", "2001-01-01T00%3A00%3A00.000Z"),
    ],
)
def test_times_are_relative_to_the_run_and_to_what_was_told(expression: str, expected: str) -> None:
    """A time that no answer told is one of long ago."""
    request = Request("GET", f"/x?startDate=<<{expression}>>", ())
    told = {"<session-1>/startedAt": "2026-01-01T00:00:00.000Z"}
    assert at_time(request, NOW, told).target == f"/x?startDate={expected}"


def test_a_request_without_placeholders_stays_the_same() -> None:
    """Neither keys nor times touch anything else."""
    request = Request("GET", "/x?a=<b>", (("X", "<y>"),), b"<<key>>")
    assert at_time(with_key(request, "k"), NOW, {}) == request
