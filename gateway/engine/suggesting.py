"""Which of their codes may mean which of ours, told by codes and names.

A suggestion is for a person to take or leave; nothing is mapped by it. Names are compared by their words, whatever
their order, case and accents, and short codes only when they are equal or one begins with the other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import NamedTuple

LIKELY = 0.55
COMPARED_MAX = 500

_WORD = re.compile(r"[^\W_]+")
# What hotels and channels call the same things; every word is replaced by the first of its line.
_SAME = (
    ("double", "dbl", "doppelzimmer", "doble", "doppia", "dz", "matrimonial", "matrimoniale", "双人"),
    ("single", "sgl", "einzelzimmer", "individual", "singola", "ez", "单人"),
    ("twin", "twn", "zweibett"),
    ("triple", "tpl", "dreibettzimmer", "tripla"),
    ("family", "fam", "familienzimmer", "familiar", "famiglia", "家庭"),
    ("suite", "ste", "junior", "套房"),
    ("apartment", "apt", "appartement", "apartamento"),
    ("flexible", "flex", "bar", "rack", "standard", "std", "best", "available"),
    ("nonrefundable", "nonref", "nr", "nrf", "saver", "prepaid"),
    ("breakfast", "bb", "fruehstueck", "desayuno", "早餐"),
    ("halfboard", "hb", "halbpension", "half"),
    ("fullboard", "fb", "vollpension", "full"),
)
_MEANS = {word: line[0] for line in _SAME for word in line}
_KINDS = frozenset(_MEANS.values())
_NOISE = frozenset({"room", "rate", "plan", "zimmer", "the", "with", "and", "type"})


class Thing(NamedTuple):
    """A code with its name, which may be empty."""

    code: str
    name: str


class Pair(NamedTuple):
    """``score`` from 0 to 1; ``why`` in a few words."""

    ours: Thing
    theirs: Thing
    score: float
    why: str


def pairs(ours: Sequence[Thing], theirs: Sequence[Thing]) -> list[Pair]:
    """Likely pairs, best first, each thing in at most one of them."""
    found = [
        pair
        for our in ours[:COMPARED_MAX]
        for their in theirs[:COMPARED_MAX]
        if (pair := compare(our, their)).score >= LIKELY
    ]
    found.sort(key=lambda pair: (-pair.score, pair.ours.code, pair.theirs.code))
    return list(_each_once(found))


def compare(ours: Thing, theirs: Thing) -> Pair:
    """How likely it is that they mean the same."""
    our_code, their_code = _folded(ours.code), _folded(theirs.code)
    if our_code == their_code:
        return Pair(ours, theirs, 1.0, "same code")
    our_words, their_words = _words(ours), _words(theirs)
    if our_words and our_words == their_words:
        return Pair(ours, theirs, 0.95, "same name")
    best, why = max(_overlap(our_words, their_words), _likeness(ours.name, theirs.name)), "similar name"
    if our_words & _KINDS and their_words & _KINDS and not our_words & their_words & _KINDS:
        best = 0.0  # "Double room" and "Triple room" are spelt alike
    if min(len(our_code), len(their_code)) >= 2 and (
        our_code.startswith(their_code) or their_code.startswith(our_code)
    ):
        best, why = max(best, 0.7), "similar code"
    return Pair(ours, theirs, round(best, 3), why)


def _each_once(found: Iterable[Pair]) -> Iterable[Pair]:
    used: set[tuple[str, str]] = set()
    for pair in found:
        names = {("ours", pair.ours.code), ("theirs", pair.theirs.code)}
        if not names & used:
            used |= names
            yield pair


@lru_cache(maxsize=4096)
def _folded(text: str) -> str:
    """Without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text[:255].replace("ß", "ss").casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@lru_cache(maxsize=4096)
def _words(thing: Thing) -> frozenset[str]:
    """What its code and name say, in words that mean the same everywhere; hyphens join."""
    text = _folded(f"{thing.code} {thing.name}").replace("-", "")
    words = {_MEANS.get(word, word) for word in _WORD.findall(text)} - _NOISE
    return frozenset(words - {_folded(thing.code)} if thing.name else words)


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of words in both; a word that tells kinds apart, like double or breakfast, weighs more than others."""
    shared = one & other
    share = len(shared) / min(len(one), len(other)) if shared else 0.0
    return 0.6 + 0.3 * share if shared & _KINDS else 0.9 * share


def _likeness(one: str, other: str) -> float:
    if not one or not other:
        return 0.0
    return 0.9 * SequenceMatcher(None, _folded(one), _folded(other)).ratio()
