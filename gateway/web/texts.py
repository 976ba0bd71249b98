"""Texts for people, in the language they read: English as it stands in the code, others from gettext catalogues.

``locales/<language>/messages.po`` are read as they are, so there is nothing to compile. Templates, handlers and errors
all go through here. Errors are raised far from the browser, as finished English sentences: a catalogue entry with
``{0}``, ``{1}`` … in it recognises such a sentence, and its translation gets the same values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

ENGLISH, CHINESE = "en", "zh-Hans"
LANGUAGES = (ENGLISH, CHINESE)
_FILES = {CHINESE: "zh_Hans"}
_PLACE = re.compile(r"\{(\d+)\}")
_RANGE = re.compile(r"\s*([A-Za-z*]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")
_ACCEPTED_MAX = 20
# A fault in a file: where it is, as in connections[0].rooms."a b", and what it is.
_PLACED = re.compile(r"([a-z_]\w*(?:\[\d+\]|\.\w+|\.\"[^\"]*\"|\.[\w-]+)*|hotel file): (.+)", re.DOTALL)
_SENTENCE_MAX = 2_000  # looking for an entry takes a while in a text without end


@cache
def translations(language: str) -> NullTranslations:
    """For ``jinja2.Environment.install_gettext_translations`` and for ``gettext``/``ngettext``."""
    if language not in _FILES:
        return NullTranslations()
    source = resources.files("gateway.web") / "locales" / _FILES[language] / "messages.po"
    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=_FILES[language]))
    compiled.seek(0)
    return Translations(compiled)


def translate(language: str, text: str) -> str:
    """The text in that language; in English where the catalogue has no entry for it."""
    if language == ENGLISH or not text:
        return text
    catalogue = translations(language)
    found: str = catalogue.gettext(text)
    if found != text:
        return found
    if placed := _PLACED.fullmatch(text):
        return f"{placed[1]}: {translate(language, placed[2])}"
    for pattern, template in _templates(language) if len(text) <= _SENTENCE_MAX else ():
        if match := pattern.fullmatch(text):
            return _filled(language, template, match)
    return text


def _filled(language: str, template: str, match: re.Match[str]) -> str:
    """Values that are words or sentences themselves, like the name of a right, are translated too."""
    return _PLACE.sub(lambda place: translate(language, match[f"p{place[1]}"]), template)


def negotiate(accept_language: str) -> str:
    """The language that fits an Accept-Language header best (RFC 9110, 12.5.4; lookup of RFC 4647, 3.4)."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept_language.split(",")[:_ACCEPTED_MAX]):
        match = _RANGE.fullmatch(part)
        if match is not None and (quality := float(match[2] or 1)) > 0:
            wanted.append((-quality, place, match[1].lower()))
    for _, _, tag in sorted(wanted):
        if tag == "*" or tag.split("-")[0] == "en":
            return ENGLISH
        if tag.split("-")[0] == "zh":
            return CHINESE
    return ENGLISH


@cache
def _templates(language: str) -> Sequence[tuple[re.Pattern[str], str]]:
    source = resources.files("gateway.web") / "locales" / _FILES[language] / "messages.po"
    with source.open("rb") as file:
        entries = [(entry.id, entry.string) for entry in read_po(file, locale=_FILES[language])]
    found = [
        (msgid, text)
        for msgid, text in entries
        if isinstance(msgid, str) and isinstance(text, str) and text and _PLACE.search(msgid)
    ]
    # Of two that fit, the one with more words of its own says more.
    found.sort(key=lambda entry: -len(_PLACE.sub("", entry[0])))
    return [(_pattern(msgid), text) for msgid, text in found]


def _pattern(template: str) -> re.Pattern[str]:
    parts = _PLACE.split(template)
    texts = (re.escape(part) if place % 2 == 0 else f"(?P<p{part}>.*?)" for place, part in enumerate(parts))
    return re.compile("".join(texts), re.DOTALL)
