"""Which language a customer's first words are in.

The script decides (Arabic letters are hardly ever anything but Arabic, Persian, Urdu or Pashto); within a script
a few letters or very common words tell neighbours apart. Deliberately modest: "" when it cannot tell, so that
what is known of the contact, or the flow's own default, is used instead of a guess.
"""

from __future__ import annotations

import re
import unicodedata

#: (language, first and last code point): languages that have a script to themselves.
_SCRIPTS: tuple[tuple[str, int, int], ...] = (
    ("ar", 0x0600, 0x06FF),
    ("ar", 0x0750, 0x077F),
    ("ar", 0xFB50, 0xFDFF),
    ("ar", 0xFE70, 0xFEFC),
    ("he", 0x0590, 0x05FF),
    ("el", 0x0370, 0x03FF),
    ("ru", 0x0400, 0x04FF),
    ("hy", 0x0530, 0x058F),
    ("ka", 0x10A0, 0x10FF),
    ("hi", 0x0900, 0x097F),
    ("bn", 0x0980, 0x09FF),
    ("ta", 0x0B80, 0x0BFF),
    ("th", 0x0E00, 0x0E7F),
    ("am", 0x1200, 0x137F),
    ("ja", 0x3040, 0x30FF),
    ("ko", 0x1100, 0x11FF),
    ("ko", 0xAC00, 0xD7AF),
    ("zh", 0x4E00, 0x9FFF),
)
_LETTERS: tuple[tuple[str, str, str], ...] = (
    # script's usual language -> the language these letters give away
    ("ar", "ٹڈڑںےہھ", "ur"),
    # not U+0686 and U+06AF: Gulf and Iraqi Arabic write them too
    ("ar", "\u067e\u0698\u06cc\u06a9", "fa"),
    ("ru", "їєґ", "uk"),
    ("ru", "ўі", "be"),
)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORDS: dict[str, frozenset[str]] = {
    "en": _set(
        "the is are you your i my me we what when where how can could do does please hello hi hey thanks want "
        "need to of and for with this that have has not order help open it's i'm agent live talk speak"
    ),
    "fr": _set(
        "le la les un une des est vous je mon ma mes bonjour salut merci quand comment où combien pour avec "
        "pas et que qui suis voudrais ai du au ce c'est"
    ),
    "de": _set(
        "der die das ist sind ich mein meine sie wir was wann wo wie bitte hallo danke und nicht ein eine für "
        "mit habe möchte kann guten auf zu"
    ),
    "es": _set(
        "el la los las es son usted yo mi qué cuándo dónde cómo hola gracias por favor y no un una para con "
        "tengo quiero puedo buenos buenas de"
    ),
    "it": _set(
        "il lo la gli è sono io mio mia che cosa quando dove come ciao grazie per favore e non un una con ho "
        "vorrei posso buongiorno di"
    ),
    "pt": _set(
        "o os as é são eu meu minha que quando onde como olá obrigado obrigada por favor e não um uma para "
        "com tenho quero posso bom de"
    ),
    "tr": _set(
        "ve bir bu ne nasıl nerede zaman merhaba selam teşekkürler lütfen için ile var yok istiyorum benim "
        "siz ben mi mı"
    ),
    "nl": _set(
        "de het een is zijn ik mijn wij wat wanneer waar hoe hallo dank bedankt alstublieft en niet voor met "
        "heb wil kan goedendag"
    ),
}
#: language -> what stands for its script; languages in Latin letters are not here
_OWN_SCRIPT = {language: language for language, _, _ in _SCRIPTS} | {language: usual for usual, _, language in _LETTERS}
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_LINK = re.compile(r"\S*(?:://|@|www\.)\S*")


def detect(text: str) -> str:
    """The ISO 639-1 code of the language of ``text``, or "" when it cannot be told."""
    text = unicodedata.normalize("NFC", _LINK.sub(" ", text[:2000]))
    counts: dict[str, int] = {}
    latin = 0
    for word in _WORD.findall(text):
        script = _script(ord(word[0]))
        if script:
            # Writing without spaces: a letter is as good as a word.
            counts[script] = counts.get(script, 0) + (len(word) if script in ("zh", "ja", "th") else 1)
        elif word[0] < "\u0250":
            latin += 1
    if counts:
        # Two Arabic words beside a Latin product name are still Arabic: other scripts count double.
        usual = max(counts, key=lambda language: counts[language])
        if usual == "zh" and counts.get("ja"):
            usual = "ja"
        if counts[usual] * 2 >= latin:
            return _by_letters(usual, text)
    return _by_words(text) if latin else ""


def _script(code: int) -> str:
    return next((language for language, first, last in _SCRIPTS if first <= code <= last), "")


def _by_letters(script: str, text: str) -> str:
    for usual, letters, language in _LETTERS:
        if usual == script and any(letter in text.lower() for letter in letters):
            return language
    return script


def _by_words(text: str) -> str:
    words = [word.lower().replace("’", "'") for word in _WORD.findall(text)]
    scores = {language: sum(word in known for word in words) for language, known in _WORDS.items()}
    best = max(scores, key=lambda language: scores[language])
    if scores[best] == 0 or sum(score == scores[best] for score in scores.values()) > 1:
        return ""
    return best


def choose(known: str, text: str) -> str:
    """The language to speak: what is ``known`` (a locale, an earlier answer), else what ``text`` shows.

    Only another script overrules what is known: an English browser says little about who writes Arabic in it,
    while a Latin "hello" or a product name says little about who reads Arabic.
    """
    known, written = base(known), detect(text)
    if known and (not written or written not in _OWN_SCRIPT or _OWN_SCRIPT[written] == _OWN_SCRIPT.get(known)):
        return known
    return written or known


def base(tag: str) -> str:
    """``"ar-EG"`` or ``"ar_EG"`` -> ``"ar"``; anything that is no language tag -> ``""``."""
    head = re.split(r"[-_]", tag.strip(), maxsplit=1)[0].lower()
    return head if head.isalpha() and head.isascii() and 2 <= len(head) <= 3 else ""
