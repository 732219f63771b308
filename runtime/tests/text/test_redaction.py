"""Numbers, addresses and names are taken out of a text, and other words stay."""

from __future__ import annotations

import pytest

from agent_runtime.text.redaction import Redactor, is_personal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My card is 4242 4242-4242.4242, thanks", "My card is [number], thanks"),
        ("call +49 (30) 123 456/78 now", "call [number] now"),
        ("I am 42", "I am [number]"),
        ("it is four two, four two oh one please", "it is [number] please"),
        ("double five and seven hundred twenty-one", "[number]"),
        ("one moment, I have two cats", "one moment, I have two cats"),
        ("meine Nummer ist null drei null eins zwei", "meine Nummer ist [number]"),
        ("Nummer fünfundzwanzig, dreihundert", "Nummer [number]"),
        ("c'est zéro six douze trente-quatre", "c'est [number]"),
        ("es el seis cinco cuatro y dos", "es el [number]"),
        ("我的号码是一三八零零, 谢谢", "我的号码是[number], 谢谢"),
        ("٣٤٥ ٦٧٨", "[number]"),
        ("write to ada.l+x@mail.example.org!", "write to [email]"),
        ("ada dot lovelace at example dot org", "[email]"),
        ("two 5 three", "[number]"),
        ("Room 12b", "Room [number]b"),
        ("nothing to see here", "nothing to see here"),
        ("", ""),
    ],
)
def test_numbers_and_addresses(text: str, expected: str) -> None:
    """Digits, number words in a row, and addresses, written and spoken, become marks."""
    assert Redactor().text(text) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "Ada Lovelace",
            "I am ADA, Ada's son is a Lovelace.",
            "I am [name], [name] son is a [name].",
        ),
        ("Zoë", "Zoe and zoë", "[name] and [name]"),
        ("Ann", "Annual plan for Ann", "Annual plan for [name]"),
        ("田中", "私は田中です", "私は[name]です"),
        ("José-Luis", "jose and Luis", "[name] and [name]"),
        ("A", "A plan", "A plan"),
        ("", "a plan", "a plan"),
    ],
)
def test_names(name: str, text: str, expected: str) -> None:
    """Each part of the caller's name is found as a word, in any letter case and without its accents."""
    assert Redactor([name]).text(text) == expected


def test_short_numbers_stay_in_messages() -> None:
    """A status or a time stays in a log line; a number of a caller does not."""
    redactor = Redactor(shortest=4)
    assert redactor.text("503 after 2.5 s") == "503 after 2.5 s"
    assert redactor.text("503 for 0170 123") == "503 for [number]"


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ("+493012345678", True),
        ("sip_+493012345678", True),
        ("sip:ada@example.org", True),
        ("ada@example.org", True),
        ("visitor-12", False),
        ("user-550e8400-e29b-41d4", False),
        ("", False),
    ],
)
def test_personal_identities(identity: str, expected: bool) -> None:
    """An identity that holds a telephone number or an address names a person."""
    assert is_personal(identity) is expected
