"""Texts as a terminal or a log may have them: no control characters, no telephone numbers."""

from __future__ import annotations

import re
from typing import Final

# C0 and C1 control characters, DEL; line and paragraph separator; the marks that embed, override and
# isolate directions (Unicode Standard Annex 9). A name with one of them is refused.
_REFUSED: Final = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
# What else changes the look of the text around it without a glyph of its own: it is allowed in a name, and
# shown escaped. Joiners (200C, 200D) stay: Persian, Hindi and emoji need them.
_INVISIBLE: Final = "\u200b\u200e\u200f\u061c\u2060-\u2065\ufeff\U000e0000-\U000e007f"
_CONTROL: Final = re.compile(f"[{_REFUSED}]")
CONTROL_REFUSED: Final = (
    "no control characters, line breaks or marks that turn the text's direction"
)
_ESCAPED: Final = re.compile(f"[{_REFUSED}{_INVISIBLE}\ud800-\udfff]")
# Control characters that JSON leaves as they are.
_ESCAPED_IN_JSON: Final = re.compile(
    f"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069{_INVISIBLE}]"
)
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# A number of E.164 with its plus (and separators, as people write it), or its digits between the marks
# that SIP identities and the rooms of dispatch rules have around them: sip_15105550100, _15105550100_x,
# sip:15105550100@.
_NUMBER: Final = re.compile(
    r"(?:\+|(?<![0-9A-Za-z.])00)[0-9](?:[ ().-]{0,2}[0-9]){6,14}(?![0-9])"
    r"|(?:(?<=sip_)|(?<=sip:)|(?<=sips:)|(?<=tel:)|(?<=phone_)|(?<=_))[0-9]{7,15}(?=_|@|\b)"
)
_KEPT_DIGITS: Final = 2
# The body of a provider's answer in the text of LiveKit's errors; it may quote what the caller said.
_BODY: Final = re.compile(r"(?<=\bbody=)(?!None)[^\n]+?(?=, retryable=|\n|$)")


def has_control(text: str) -> bool:
    """Whether the text holds a character that controls a terminal, a line, or the direction of text."""
    return _CONTROL.search(text) is not None


def escaped(text: str) -> str:
    r"""The text on one line: \n, \x1b and \u202e for the characters that would act on it."""
    return _ESCAPED.sub(_escape, text)


def escaped_json(text: str) -> str:
    r"""A JSON text with \u0085 and the like for those characters that JSON itself does not escape."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _ESCAPED_IN_JSON.sub(_escape_json, text)


def without_numbers(text: str) -> str:
    """The text with each telephone number in it cut to its last two digits."""
    # What every number that is found begins with, or stands behind: most texts have none of them.
    if "_" not in text and "+" not in text and ":" not in text and "00" not in text:
        return text
    return _NUMBER.sub(lambda found: f"***{found[0][-_KEPT_DIGITS:]}", text)


def without_bodies(text: str) -> str:
    """The text of an error of LiveKit's without the body of the provider's answer."""
    return _BODY.sub("(left out)", text) if "body=" in text else text


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    if found[0] in _SHORT:
        return _SHORT[found[0]]
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _escape_json(found: re.Match[str]) -> str:
    number = ord(found[0])
    if number < 0x10000:
        return f"\\u{number:04x}"
    number -= 0x10000
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"
