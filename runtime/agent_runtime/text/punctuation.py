"""Marks that end a sentence or a clause, in every script that speech services read.

The sets are those of Unicode's properties Sentence_Terminal and Terminal_Punctuation (PropList.txt),
without historic scripts. Where Unicode calls a comma-like mark a terminal, its use decides.
"""

from __future__ import annotations

import re
from typing import Final

# Marks that Latin, Greek, Cyrillic, Hebrew and Korean use. They also stand inside numbers, times, addresses
# and abbreviations, so they end something only before a space.
_ASCII_SENTENCE: Final = ".!?"
_ASCII_CLAUSE: Final = ",;:\u2013\u2014"
_ELLIPSIS: Final = "\u2026"
_DOUBLED: Final = "\u203c\u2047\u2048\u2049"  # of these, two are emoji as well

# Marks that end a sentence wherever they stand, with or without a space after them.
SENTENCE_MARKS: Final = (
    "\u3002\uff01\uff1f\uff61\ufe12\ufe15\ufe16\ufe52\ufe56\ufe57\uff0e"  # Chinese, Japanese
    "\u061e\u061f\u06d4"  # Arabic, Persian, Urdu
    "\u0964\u0965\u0df4"  # Devanagari and its neighbours (danda), Sinhala
    "\u0589"  # Armenian
    "\u1362\u1367\u1368"  # Ethiopic
    "\u17d4\u17d5\u17da\u104b"  # Khmer, Myanmar
    "\u0e5a\u0e5b\u0f08\u0f0d\u0f0e\u0f0f\u0f10\u0f11\u0f12"  # Thai, Tibetan
    "\u1803\u1809\u1944\u1945"  # Mongolian, Limbu
    "\u0700\u0701\u0702\u07f9\u166e\u1735\u1736"  # Syriac, N'Ko, Canadian, Philippine
    "\u1b5a\u1b5b\u1b5e\u1b5f\u1c3b\u1c3c\u1c7e\u1c7f"  # Balinese, Lepcha, Ol Chiki
    "\ua4ff\ua60e\ua60f\ua876\ua877\ua8ce\ua8cf\ua92f"  # Lisu, Vai, Phags-pa, Saurashtra
    "\ua9c8\ua9c9\uaa5d\uaa5e\uaa5f\uaaf0\uaaf1\uabeb"  # Javanese, Cham, Meetei
    "\u203d\u037e"  # interrobang, Greek question mark
)
CLAUSE_MARKS: Final = (
    "\u3001\uff0c\uff1b\uff1a\uff64\ufe10\ufe11\ufe13\ufe14\ufe50\ufe51\ufe54\ufe55"  # Chinese, Japanese
    "\u060c\u061b"  # Arabic, Persian, Urdu
    "\u055d"  # Armenian
    "\u1363\u1364\u1365\u1366"  # Ethiopic
    "\u17d6\u104a"  # Khmer, Myanmar
    "\u1802\u1804\u1805\u1808"  # Mongolian
    "\u07f8\ua4fe\ua60d\ua9c7\uaadf"  # N'Ko, Lisu, Vai, Javanese, Tai Viet
)
# Marks that also group digits or separate hours from minutes.
NUMBER_MARKS: Final = "\uff0c\uff1a\uff0e\u060c"
# The Ethiopic space between words.
WORD_MARKS: Final = "\u1361"
CLOSING: Final = (
    "\"')]}\u201d\u2019\u00bb\u203a\uff09\uff3d\uff5d\uff02"
    "\u3009\u300b\u300d\u300f\u3011\u3015\u3017\u3019\u301e\u301f"
)
# Letters of scripts without spaces between words. After them the Latin marks count like their own.
EAST_ASIAN: Final = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua000-\ua4cf\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
SOUTH_EAST_ASIAN: Final = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u1b00-\u1b7f"
    "\ua980-\ua9df\ua9e0-\ua9ff\uaa60-\uaadf"
)
UNSPACED: Final = f"{EAST_ASIAN}{SOUTH_EAST_ASIAN}"
# Latin marks that end something right after a letter of those scripts. The full stop is none of them: it
# may belong to an address.
LATIN_MARKS: Final = f"!?,;:{_ELLIPSIS}\u2014"

_SENTENCE: Final = frozenset(f"{_ASCII_SENTENCE}{_ELLIPSIS}{_DOUBLED}{SENTENCE_MARKS}")
_CLAUSE: Final = frozenset(f"{_ASCII_CLAUSE}{CLAUSE_MARKS}")
_ENDS_PHRASE: Final = re.compile(f"[{SOUTH_EAST_ASIAN}]$")


def ends_sentence(text: str) -> bool:
    """Return whether `text` ends a sentence; closing quotes and brackets are ignored."""
    return text.rstrip(CLOSING)[-1:] in _SENTENCE


def ends_clause(text: str) -> bool:
    """Return whether `text` ends a clause, as with a comma; closing quotes and brackets are ignored.

    Thai and its neighbours have a space where others have a comma, so text that ends in them does.
    """
    bare = text.rstrip(CLOSING)
    return bare[-1:] in _CLAUSE or bool(_ENDS_PHRASE.search(bare))
