"""Texts for terminals and logs: control characters are escaped, telephone numbers are cut."""

import json
import unicodedata

import pytest

from agent_runtime.secrecy.shown import (
    escaped,
    escaped_json,
    has_control,
    without_bodies,
    without_numbers,
)

BIDI = [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))]


def test_every_control_character_is_refused_and_escaped() -> None:
    """C0, C1, line separators and marks of direction are known; each is escaped as ASCII."""
    controls = [
        chr(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in ("Cc", "Zl", "Zp")
    ]
    for one in [*controls, *BIDI]:
        assert has_control(f"a{one}b"), hex(ord(one))
        assert escaped(f"a{one}b").isascii(), hex(ord(one))


@pytest.mark.parametrize("name", ["Zoë", "日本語", "علی‌رضا", "👩‍👩‍👧", "a b", "O'Neil", "क्‍ष", ""])
def test_names_of_all_scripts_are_allowed(name: str) -> None:
    """Joiners, which Persian, Hindi and emoji need, are neither refused nor escaped."""
    assert not has_control(name)
    assert escaped(name) == name


def test_json_stays_json() -> None:
    """A line of JSON has the same value after escaping, and no character that acts on a terminal."""
    value = {"room": "a\x1b[2J\u202e\x9b\u2028\U000e0041b", "n": 1}
    text = escaped_json(json.dumps(value, ensure_ascii=False))
    assert text.isascii()
    assert json.loads(text) == value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sip_+15105550123", "sip_***23"),
        ("sip_15105550123", "sip_***23"),
        ("agent-7-room_+15105550123_aB3x", "agent-7-room_***23_aB3x"),
        ("agent-7-room_15105550123_aB3x", "agent-7-room_***23_aB3x"),
        ("call of +49 (30) 1234-5678 lost", "call of ***78 lost"),
        ("sip:15105550123@host", "sip:***23@host"),
        ("session-V1StGXR8_Z5jdHi6B-myT", "session-V1StGXR8_Z5jdHi6B-myT"),
        (
            "2026-01-31T09:30:00+00:00 took 0.0012345678 s",
            "2026-01-31T09:30:00+00:00 took 0.0012345678 s",
        ),
        ("agent 2147483647, port 8080, pid 1234567", "agent 2147483647, port 8080, pid 1234567"),
    ],
)
def test_telephone_numbers_are_cut(text: str, shown: str) -> None:
    """Numbers in identities, rooms and sentences keep two digits; ids and times stay."""
    assert without_numbers(text) == shown


def test_the_body_of_an_answer_is_left_out() -> None:
    """A provider's answer may quote the caller; status and message stay."""
    text = "message='bad', status_code=400, retryable=False, body={'error': 'I said hello'}"
    assert (
        without_bodies(text) == "message='bad', status_code=400, retryable=False, body=(left out)"
    )
