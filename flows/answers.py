"""Recognising a question from a list, without machine learning: how many of a phrase's words are in the message.

A phrase's words weigh more the fewer entries use them; filler words count only where there is nothing else; a word
counts fully when it is the same after normalisation (``words.tokens``) and a little less when it is a slip away.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flows.words import distance_within, tokens

THRESHOLD = 0.66
_SLIP = 0.85
_MAX_WORDS = 100
_FILLER = frozenset(
    word
    for text in (
        "a an the is are am was be been do does did can could would will shall may i me my mine you your we us our it "
        "its he she they this that there here what whats when where which who how why to of in on at for from by with "
        "and or but not no please thank thanks hello hi hey want need like know tell have has get got just also so if "
        "s m re ve ll d t about any some much many",
        "ما ماذا متى اين كيف كم هل من الى على عن في مع هو هي هذا هذه ذلك انا انت نحن لي لك لنا عندي عندكم لديكم لو "
        "سمحت فضلك رجاء ارجو اريد ابغى ابي عايز بدي اود ممكن يمكن شكرا مرحبا اهلا السلام عليكم يا و او ثم ان اذا لا "
        "نعم شو ايش وش ليش لماذا تكون يكون انتم كان",
        "le la les un une des du de et ou je mon ma mes vous votre est sont que qui quel quelle comment quand où",
        "der die das ein eine und oder ich mein meine sie ihr ist sind was wie wann wo bitte",
        "el los las una y o yo mi su es son qué cómo cuándo dónde por favor",
    )
    for word in tokens(text)
)


@dataclasses.dataclass(frozen=True, slots=True)
class _Phrase:
    words: tuple[str, ...]
    whole: bool  # "=phrase": the message must be nothing else


@dataclasses.dataclass(frozen=True, slots=True)
class Match:
    """Entry ``index`` of the list answers the message; ``score`` from 0 to 1."""

    index: int
    score: float


class Matcher:
    """Phrases of several entries, ready to be compared with messages."""

    def __init__(self, entries: Iterable[Iterable[str]]) -> None:
        self._entries = [[phrase for phrase in map(_phrase, phrases) if phrase.words] for phrases in entries]
        users: dict[str, set[int]] = {}
        for index, phrases in enumerate(self._entries):
            for phrase in phrases:
                for word in phrase.words:
                    users.setdefault(word, set()).add(index)
        count = len(self._entries)
        self._weight = {word: 1 + math.log(count / len(used)) for word, used in users.items()}

    def find(self, text: str, *, threshold: float = THRESHOLD) -> Match | None:
        """The entry that fits ``text`` best, the first of equals; None when none reaches ``threshold``."""
        message = tokens(text)[:_MAX_WORDS]
        bare = _bare(message)
        words = set(message)
        seen: dict[str, float] = {}
        best: tuple[float, float, int] | None = None
        for index, phrases in enumerate(self._entries):
            for phrase in phrases:
                if phrase.whole:
                    score = max(_same(phrase.words, message), _same(phrase.words, bare))
                    weight = sum(self._weight[word] for word in phrase.words)
                else:
                    score, weight = self._score(phrase, words, seen)
                if score >= threshold and (best is None or (score, weight) > best[:2]):
                    best = (score, weight, index)
        return None if best is None else Match(best[2], round(best[0], 3))

    def _score(self, phrase: _Phrase, words: set[str], seen: dict[str, float]) -> tuple[float, float]:
        whole = found = 0.0
        for word in phrase.words:
            weight = self._weight[word]
            if word not in seen:
                seen[word] = _likeness(word, words)
            whole += weight
            found += weight * seen[word]
        return found / whole, found


def _phrase(text: str) -> _Phrase:
    words = tokens(text)[:20]
    whole = text.lstrip().startswith("=")
    return _Phrase(tuple(words if whole else _bare(words)), whole)


def _same(phrase: Sequence[str], message: Sequence[str]) -> float:
    if len(phrase) != len(message):
        return 0.0
    return min(_likeness(left, (right,)) for left, right in zip(phrase, message, strict=True))


def _bare(words: list[str]) -> list[str]:
    """Without filler words, unless nothing else is left."""
    return [word for word in words if word not in _FILLER] or words


def _likeness(word: str, words: Iterable[str]) -> float:
    if word in words:
        return 1.0
    slips = 0 if len(word) < 5 else 1 if len(word) < 9 else 2
    if slips and len(word) <= 32:
        for other in words:
            if other[:1] == word[:1] and distance_within(word, other, slips):
                return _SLIP
    return 0.0


def phrases_of(value: object) -> list[str]:
    """The phrases of an entry: a list, or a list (or one text) per language; recognised in any language."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [phrase for part in value.values() for phrase in phrases_of(part)]
    if isinstance(value, list):
        return [str(item) for item in value if isinstance(item, (str, int, float))]
    return []


@functools.lru_cache(maxsize=64)
def _cached(key: str) -> Matcher:
    return Matcher(json.loads(key))


def matcher(entries: list[list[str]]) -> Matcher:
    """A matcher for these phrases, kept while it is in use."""
    return _cached(json.dumps(entries))


def in_language(value: Any, language: str, fallback: str = "en") -> Any:
    """``{"en": x, "ar": y}`` -> the one in ``language``, else the fallback's, else any; other values as they are."""
    if not isinstance(value, Mapping):
        return value
    for tag in (language, fallback):
        if tag in value:
            return value[tag]
    return next(iter(value.values()), "")
