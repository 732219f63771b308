"""Language codes in one spelling: BCP 47, with the code of two letters where a language has one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from agent_runtime.agents.languages.names import TABLE

# Speech recognition that follows the caller from one language to another. No voice speaks it.
MULTI: Final = "multi"
_MULTI_NAMES: Final = ("auto", "mul", "multilingual")
# Withdrawn codes, and codes of countries that are none of a language and are meant for one.
_FORMER: Final = {"iw": "he", "in": "id", "ji": "yi", "jp": "ja", "cn": "zh"}
_NAME_AND_REGION: Final = re.compile(r"(.+?)\s*\(\s*([A-Za-z]{2})\s*\)")
_SCRIPT: Final = 4  # letters of a subtag that names a script
_EXTENDED: Final = 3  # letters of a subtag that names a variety of the language
_REGION: Final = 2


def folded(language: str) -> str:
    """The language as a BCP 47 code: `zh-CN` for `zh_CN`, `ja` for `jpn`, `zh` for `Chinese` and `cmn`.

    Case does not matter. A language that is not known stays as it is, without outer spaces.
    """
    given = re.split(r"[.@]", language.strip())[0].strip()
    if named := _NAME_AND_REGION.fullmatch(given):
        given = f"{named[1]}-{named[2]}"
    if known := _codes().get(re.sub(r"[\s_-]+", "_", given.lower())):
        return known
    base, *subtags = re.split(r"[-_]", given)
    code = _codes().get(base.lower())
    if code is None:
        if not re.fullmatch(r"[A-Za-z]{2,3}", base):
            return given
        code = base.lower()
    if subtags and len(subtags[0]) == _EXTENDED and code == _codes().get(subtags[0].lower()):
        del subtags[0]  # as in zh-cmn-Hans
    return "-".join([code, *map(_subtag, subtags)])


def spoken(languages: Iterable[str]) -> str | None:
    """The first language that a voice can speak; None when there is none."""
    return next((code for code in languages if code and code != MULTI), None)


def _subtag(text: str) -> str:
    if len(text) == _SCRIPT and text.isalpha():
        return text.capitalize()
    return text.upper() if len(text) == _REGION else text


@cache
def _codes() -> Mapping[str, str]:
    codes = dict.fromkeys((MULTI, *_MULTI_NAMES), MULTI) | _FORMER
    for line in TABLE.strip().splitlines():
        code, names = (part.strip() for part in line.split("="))
        codes |= dict.fromkeys([code, *names.split()], code)
    return codes
