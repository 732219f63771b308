"""Numbers as people say them: words of the languages that callers speak most, digit by digit or in full."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Without accents and in lower case, by language.
_WORDS: Final = {
    "en": "zero oh nought nil one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy "
    "eighty ninety hundred thousand million double triple",
    "de": "null eins ein eine zwei zwo drei vier funf sechs sieben acht neun zehn elf zwolf zwanzig "
    "dreissig vierzig funfzig sechzig siebzig achtzig neunzig hundert tausend million doppel",
    "fr": "zero un une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze "
    "seize vingt vingts trente quarante cinquante soixante cent cents mille double triple",
    "es": "cero uno una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciseis diecisiete dieciocho diecinueve veinte treinta cuarenta cincuenta sesenta setenta "
    "ochenta noventa cien ciento mil doble triple",
    "it": "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici venti trenta quaranta "
    "cinquanta sessanta settanta ottanta novanta cento mille doppio",
    "pt": "zero um uma dois duas tres quatro cinco seis meia sete oito nove dez onze doze vinte trinta "
    "quarenta cinquenta sessenta setenta oitenta noventa cem cento mil",
    "nl": "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf twintig dertig veertig vijftig "
    "zestig zeventig tachtig negentig honderd duizend dubbel",
}
NUMBER_WORDS: Final = frozenset(word for words in _WORDS.values() for word in words.split())
# Words that join number words and are none themselves.
JOINING: Final = frozenset({"and", "und", "et", "y", "e", "en", "plus", "point", "dash", "minus"})
# Chinese, Japanese and Korean (Sino-Korean) digits and units.
CJK_DIGITS: Final = (
    "零〇一二三四五六七八九十百千万萬幺两兩壹贰叁肆伍陆柒捌玖拾영공일이삼사오육칠팔구"
)
_COMPOUND: Final = re.compile(
    "(?:"
    + "|".join(sorted(NUMBER_WORDS | {"und", "ein", "en", "zehn", "teen"}, key=len, reverse=True))
    + "){2,}"
)


def folded(word: str) -> str:
    """The word in lower case and without accents; ß is ss."""
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def number_words_in(word: str) -> int:
    """How many number words this is: 0, 1, or 2 for one that is composed, such as fünfundzwanzig."""
    plain = folded(word)
    if plain in NUMBER_WORDS:
        return 1
    # Composed words shorter than this are other words: "oneten" is nobody's, "unten" is German.
    if len(plain) >= 7 and _COMPOUND.fullmatch(plain):
        return 2
    return 0
