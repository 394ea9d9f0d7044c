"""Making what people write comparable: Unicode forms, letter case, invisible marks, Arabic spelling variants.

Two strengths. ``fold`` keeps every visible letter (conditions of a flow: Studio's "trim and ignore case").
``tokens`` goes further, for recognising a question: accents, Arabic letter variants, articles and endings, and
English plurals do not matter.
"""

from __future__ import annotations

import re
import unicodedata

#: Combining marks that change how a word is read aloud, not which word it is: Latin accents, Hebrew points,
#: Arabic vowel signs. (Other scripts' marks, as in Devanagari or Thai, carry meaning and stay.)
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]")
_ARABIC_SIGNS = re.compile("[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]")
#: Direction marks, joiners and the byte order mark: keyboards and copy-paste leave them behind unseen.
_INVISIBLE = dict.fromkeys(
    [0x00AD, 0x061C, 0x0640, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206F), 0xFEFF]
)
_LETTERS = str.maketrans(
    {
        "ٱ": "ا",
        "ى": "ي",
        "ی": "ي",
        "ې": "ي",
        "ة": "ه",
        "ک": "ك",
        "ہ": "ه",
        "ß": "ss",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ı": "i",
        "æ": "ae",
        "œ": "oe",
    }
)
_WORD = re.compile(r"\w+")
_ARTICLES = (("وال", 3), ("بال", 3), ("كال", 3), ("فال", 3), ("لل", 3), ("ال", 2))

#: What Arabic hangs on a word's end: possessives, plurals, the accusative's alef. Longest first; as in light stemming
#: for search engines, one is taken off when at least three letters stay.
_ENDINGS = tuple(["تكم", "تنا", "تها", "كم", "نا", "ها", "هم", "ات", "ون", "ين", "تي", "تك", "ته", "ه", "ي", "ك", "ا"])

#: Longest text looked at, in characters; what follows cannot change which question was asked.
LONGEST = 4000


def fold(text: str) -> str:
    """Trimmed, NFKC, case-folded, without invisible marks, tatweel and Arabic vowel signs."""
    text = unicodedata.normalize("NFKC", text).translate(_INVISIBLE)
    return _ARABIC_SIGNS.sub("", text).strip().casefold()


def tokens(text: str) -> list[str]:
    """The words of ``text`` in the form they are compared in, in order."""
    text = unicodedata.normalize("NFKC", text[:LONGEST]).translate(_INVISIBLE).casefold()
    text = _MARKS.sub("", unicodedata.normalize("NFD", text))
    text = unicodedata.normalize("NFC", text).translate(_LETTERS)
    return [_stem(word) for word in _WORD.findall(text)]


def _stem(word: str) -> str:
    if "\u0600" <= word[0] <= "\u06ff":
        for article, rest in _ARTICLES:
            if word.startswith(article) and len(word) >= len(article) + rest:
                word = word[len(article) :]
                break
        for ending in _ENDINGS:
            if word.endswith(ending) and len(word) >= len(ending) + 3:
                word = word[: -len(ending)]
                break
        return "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in word)
    if len(word) > 3 and word.isascii():
        if word.endswith("ies"):
            return word[:-3] + "y"
        if word.endswith("sses"):
            return word[:-2]
        if word.endswith("s") and not word.endswith(("ss", "us", "is")):
            return word[:-1]
    return word


def distance_within(a: str, b: str, limit: int) -> bool:
    """Whether ``a`` becomes ``b`` by at most ``limit`` slips: a letter wrong, missing, too many, or two swapped."""
    if a == b:
        return True
    if abs(len(a) - len(b)) > limit:
        return False
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        last, row, swap = row, [i], before
        for j, right in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, swap[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return False
        before = last
    return row[-1] <= limit
