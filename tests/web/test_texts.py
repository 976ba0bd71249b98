"""Every sentence a person may be told exists in both languages, and the one they asked for is chosen."""

from __future__ import annotations

import re
from importlib import resources

import pytest
from babel.messages.pofile import read_po

from gateway.web.problems import TITLES
from gateway.web.texts import CHINESE, ENGLISH, negotiate, translate, translations
from tests.web.sentences import sentences

PLACE = re.compile(r"\{\d+\}")


def catalogue() -> dict[str, str]:
    source = resources.files("gateway.web") / "locales" / "zh_Hans" / "messages.po"
    with source.open("rb") as file:
        return {str(entry.id): str(entry.string) for entry in read_po(file, locale="zh_Hans")}


def test_the_sentences_are_found() -> None:
    assert {"there is no property {0}", "too many failed attempts; try again later", "nothing is set"} <= sentences()


def test_every_sentence_is_translated() -> None:
    known = catalogue()
    assert sorted(text for text in {*sentences(), *TITLES.values()} if not known.get(text)) == []


def test_translations_keep_the_values() -> None:
    wrong = [text for text, said in catalogue().items() if set(PLACE.findall(text)) != set(PLACE.findall(said))]
    assert wrong == []


def test_no_two_values_of_a_sentence_share_a_place() -> None:
    assert [text for text in catalogue() if len(set(PLACE.findall(text))) < len(PLACE.findall(text))] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("there is no property 'h'", "没有酒店 'h'"),
        ("there is no room type 'a {0} b'", "没有房型 'a {0} b'"),
        ("room type 'X' is not known here", "此处没有房型 'X'"),
        ("this takes a role that may set rates", "需要允许以下操作的角色：设置价格与限制"),
        ("price 7 is not between 0 and 5", "price 7 不在 0 与 5 之间"),
        ("something nobody has written yet", "something nobody has written yet"),
        ("", ""),
    ],
)
def test_a_sentence_is_recognised_with_its_values(text: str, said: str) -> None:
    assert translate(CHINESE, text) == said
    assert translate(ENGLISH, text) == text


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", ENGLISH),
        ("zh", CHINESE),
        ("zh-CN,zh;q=0.9,en;q=0.8", CHINESE),
        ("zh-Hans-CN", CHINESE),
        ("en-GB, zh;q=0.9", ENGLISH),
        ("fr, zh;q=0.3, en;q=0.2", CHINESE),
        ("de-DE", ENGLISH),
        ("*", ENGLISH),
        ("zh;q=0, en", ENGLISH),
        ("zh;q=2", ENGLISH),
        (",,;q=,=" * 500, ENGLISH),
    ],
)
def test_the_language_is_negotiated(header: str, language: str) -> None:
    assert negotiate(header) == language


def test_templates_can_use_the_catalogue() -> None:
    assert translations(CHINESE).gettext("Not found") == "未找到"
    assert translations(ENGLISH).gettext("Not found") == "Not found"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("property.name: is missing", "property.name: 缺失"),
        ('connections[0].rooms."a b": "1" is already their code for DBL', '"1" 已是对方表示 DBL 的代码'),
        ('connections[0].rol: there is no such setting; did you mean "role"?', '没有这项设置；是否指 "role"？'),
        ('property.card_days: "x" is not a number of days from 0 to 730', '"x" 不是 0 至 730 的天数'),
    ],
)
def test_a_fault_of_a_hotel_file_keeps_its_place(text: str, said: str) -> None:
    place, _, _ = text.partition(": ")
    assert translate(CHINESE, text).startswith(f"{place}: ")
    assert translate(CHINESE, text).endswith(said)
