"""Takes numbers, addresses and names out of a text; what is left can be kept.

It errs on the side of taking out: a text that is kept is for people who look for a fault, and they need
neither the number nor the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from agent_runtime.text.number_words import CJK_DIGITS, JOINING, folded, number_words_in

NUMBER: Final = "[number]"
EMAIL: Final = "[email]"
NAME: Final = "[name]"

# Fewest digits, together, of a number in a message of ours: less is a status or a time.
SHORTEST_IN_MESSAGES: Final = 4
# Fewest letters of a part of a name: an initial would be found in every text.
_SHORTEST_NAME: Final = 2

_EMAIL: Final = re.compile(r"[^\s<>@\"'(),:;]+@[^\s<>@\"'(),:;]+")
# "ada dot lovelace at example dot com", as speech recognition writes it.
_SPOKEN_EMAIL: Final = re.compile(
    r"(?:\w+ (?:dot|point|punkt|punto|ponto|underscore|dash|minus) )*\w+ "
    r"(?:at|arobase|arroba|chiocciola|klammeraffe|ät) "
    r"\w+(?: (?:dot|point|punkt|punto|ponto) \w+)+",
    re.IGNORECASE,
)
# Digits of any script, with what people write between and around the groups of a number.
_DIGITS: Final = re.compile(r"\+?\(?\d(?:[\s().,:/\-\u2010-\u2015]{0,3}\d)*")
_CJK: Final = re.compile(f"[{CJK_DIGITS}](?:[ ,、-]?[{CJK_DIGITS}])+")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?|\[number\]")


class Redactor:
    """Knows the names of one call. `shortest` is the fewest digits of a number that is taken out."""

    def __init__(self, names: Iterable[str] = (), *, shortest: int = 1) -> None:
        given = [name for name in names if name.strip()]
        self._names = {
            folded(part)
            for name in given
            for part in _WORD.findall(name)
            if len(part) >= _SHORTEST_NAME
        }
        # Scripts without spaces between words: a name is found anywhere in the text.
        self._anywhere = [
            name
            for name in given
            if not any(letter.isascii() and letter.isalpha() for letter in name)
        ]
        self._shortest = shortest

    def text(self, text: str) -> str:
        """The text without numbers, addresses and names."""
        text = _EMAIL.sub(EMAIL, text)
        text = _SPOKEN_EMAIL.sub(EMAIL, text)
        for name in self._anywhere:
            text = text.replace(name, NAME)
        text = _DIGITS.sub(self._number, text)
        text = _CJK.sub(NUMBER, text)
        return self._words(text)

    def _number(self, found: re.Match[str]) -> str:
        digits = sum(one.isdigit() for one in found[0])
        return NUMBER if digits >= self._shortest else found[0]

    def _words(self, text: str) -> str:
        """The text without names, and without number words in a row."""
        pieces: list[str] = []
        written = 0
        run: list[tuple[int, int]] = []  # of number words, by their places in the text
        weight = 0

        def close() -> None:
            nonlocal written, weight
            if weight > 1:
                pieces.extend((text[written : run[0][0]], NUMBER))
                written = run[-1][1]
            run.clear()
            weight = 0

        for found in _WORD.finditer(text):
            word = found[0]
            if run and not _joins(text[run[-1][1] : found.start()]):
                close()
            if amount := 1 if word == NUMBER else number_words_in(word):
                run.append(found.span())
                weight += amount
            elif not (run and folded(word) in JOINING):
                close()
                if self._is_name(word):
                    pieces.extend((text[written : found.start()], NAME))
                    written = found.end()
        close()
        pieces.append(text[written:])
        return "".join(pieces)

    def _is_name(self, word: str) -> bool:
        return folded(re.split("['\u2019]", word)[0]) in self._names or folded(word) in self._names


def _joins(between: str) -> bool:
    """Whether two number words that have this between them are parts of one number."""
    left = "".join(letter for letter in between if letter not in " \t,.-\u2010\u2011")
    return not left or folded(left) in JOINING


def is_personal(identity: str) -> bool:
    """Whether an identity is a telephone number or an address, or holds one."""
    digits = sum(letter.isdigit() for letter in identity)
    return "@" in identity or (
        digits >= 7
        and any(sum(map(str.isdigit, one[0])) >= 7 for one in _DIGITS.finditer(identity))
    )
