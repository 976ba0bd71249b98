"""Statistics, profiles, and what a house is asked about itself: read, answered in each release, and rewritten."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from connectors.opentravel._shared.names import NAMESPACE
from connectors.opentravel.ota import CONNECTOR, plans, profiles, statistics
from gateway.contract import Document, Head, Reply
from gateway.contract_inspecting import Inspection
from gateway.errors import Malformed, NotFound, Reason, Refusal
from gateway.messages import Applied, Described, PlansAsked, PlansFound, ProfileFound, ProfileReceived, Result
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import parse_day
from tests.connectors.opentravel import schemas
from tests.connectors.opentravel.outbound import site

FIXTURES = Path(__file__).parents[3] / "fixtures" / "opentravel" / "ota"
NOW_MS = 1_925_366_401_000
MESSAGES = sorted(
    f"{path.parent.name}/{path.stem}"
    for folder in ("statistics", "profile", "plans", "description")
    for path in (FIXTURES / folder).glob("*.xml")
    if not path.stem.startswith("refused")
)
FIRST = parse_day("2031-02-01")
FOUND = PlansFound(
    "DEMO01",
    "EUR",
    False,
    (Described("DBL", "Double"), Described("A-LONG-CODE", "")),
    (Described("FLEX", "Flexible & kind"), Described("NR")),
    (
        AriUpdate("DBL", "FLEX", FIRST, FIRST + 3, (Setting(Field.PRICE, 12_000, 2),), currency="EUR"),
        AriUpdate("DBL", "FLEX", FIRST, FIRST, (Setting(Field.CLOSED, 1), Setting(Field.MIN_OFFSET_H, 48))),
        AriUpdate("DBL", "FLEX", FIRST + 1, FIRST + 1, (Setting(Field.MIN_OFFSET_H, 0), Setting(Field.CTA, 0))),
        AriUpdate("SGL", "FLEX", FIRST, FIRST, (Setting(Field.MIN_ARRIVAL, 2), Setting(Field.CTD, 1))),
    ),
)


def opened(name: str) -> Document:
    return CONNECTOR.open(Head("POST", "/", {}), [(FIXTURES / f"{name}.xml").read_bytes()])


def answered(name: str, *results: Result, release: str = "2015A") -> Reply:
    document, account = opened(name), site(f"ota-{release.lower()}")
    found = CONNECTOR.parse(document, account)
    return CONNECTOR.answer(document, account, results or [result_for(one) for one in found], NOW_MS)


def result_for(event: object) -> Result:
    if isinstance(event, PlansAsked):
        return FOUND
    return Applied()


@schemas.needed
@pytest.mark.parametrize("release", ["2015A", "2011B"])
@pytest.mark.parametrize("name", [one for one in MESSAGES if "/read" not in one])
def test_its_answer_is_valid(name: str, release: str) -> None:
    assert schemas.faults((FIXTURES / f"{name}.xml").read_bytes(), release) == []
    assert schemas.faults(answered(name, release=release).body, release) == []
    refused = answered(name, *[Refusal("no", Reason.HOTEL)] * len(opened_events(name)), release=release)
    assert schemas.faults(refused.body, release) == []
    assert b"<Errors>" in refused.body


def opened_events(name: str) -> list[object]:
    return list(CONNECTOR.parse(opened(name), site("ota-2015a")))


def test_a_profile_comes_back_as_it_was_sent() -> None:
    (kept,) = opened_events("profile/create-with-extensions")
    assert isinstance(kept, ProfileReceived)
    reply = answered("profile/read", ProfileFound(kept.names, kept.document))
    root = etree.fromstring(reply.body)
    assert etree.QName(root).localname == "OTA_ProfileReadRS"
    sent = etree.parse(FIXTURES / "profile" / "create-with-extensions.xml").find(f"{{{NAMESPACE}}}Profile")
    back = root.find(f".//{{{NAMESPACE}}}Profile")
    assert sent is not None
    assert back is not None
    for node in sent.iter("{urn:example:loyalty}Tier"):
        del node.attrib["{urn:example:loyalty}of"]  # attributes of other namespaces are left out
    sent.tail = None
    assert _said(sent) == _said(back)


def _said(node: etree._Element) -> list[object]:
    """Names, attributes and texts, whatever the prefixes are."""
    return [(one.tag, dict(one.attrib), (one.text or "").strip()) for one in node.iter()]


@schemas.needed
def test_a_profile_that_is_read_is_valid_where_it_stands(tmp_path: Path) -> None:
    """The schema of the answer is not among those that are here, but the list it holds is."""
    common = schemas.folder() / "opentravel-2015A" / "OTA_Profile.xsd"
    wrapper = tmp_path / "profiles.xsd"
    wrapper.write_text(
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{NAMESPACE}" targetNamespace="{NAMESPACE}" '
        f'elementFormDefault="qualified"><xs:include schemaLocation="{common.as_uri()}"/>'
        '<xs:element name="Profiles" type="ProfilesType"/></xs:schema>'
    )
    (kept,) = opened_events("profile/create-several-numbers")
    assert isinstance(kept, ProfileReceived)
    reply = answered("profile/read", ProfileFound(kept.names, kept.document))
    profiles = etree.fromstring(reply.body).find(f"{{{NAMESPACE}}}Profiles")
    assert profiles is not None
    etree.XMLSchema(etree.parse(wrapper)).assertValid(etree.ElementTree(profiles))


def test_a_profile_nobody_knows_is_an_error_of_the_same_answer() -> None:
    reply = answered("profile/read", NotFound("there is no profile 'P-4711'", record="P-4711"))
    root = etree.fromstring(reply.body)
    (error,) = root.iter(f"{{{NAMESPACE}}}Error")
    assert etree.QName(root).localname == "OTA_ProfileReadRS"
    assert error.get("RecordID") == "P-4711"


def test_the_number_of_a_card_is_not_kept() -> None:
    data = (FIXTURES / "profile" / "create.xml").read_bytes()
    card = b'<PaymentForm><PaymentCard CardCode="VI"><CardNumber><PlainText>4111111111111111</PlainText></CardNumber>'
    card += b"<SeriesCode><PlainText>737</PlainText></SeriesCode></PaymentCard></PaymentForm></Customer>"
    document = CONNECTOR.open(Head("POST", "/", {}), [data.replace(b"</Customer>", card)])
    (kept,) = CONNECTOR.parse(document, site("ota-2015a"))
    assert isinstance(kept, ProfileReceived)
    assert "4111111111111111" not in kept.document
    assert "737" not in kept.document
    assert "411111" in kept.document


def test_a_rate_plan_is_told_room_by_room() -> None:
    root = etree.fromstring(answered("plans/period").body)
    told = root.findall(f".//{{{NAMESPACE}}}RatePlan")
    assert [plan.get("RatePlanCode") for plan in told] == ["FLEX", "FLEX", "NR"]
    rooms = [one.get("InvTypeCode") for one in root.iter(f"{{{NAMESPACE}}}InventoryInfo")]
    assert rooms == ["DBL", "SGL"]
    rules = [
        (rule.get("Start"), rule.get("MinAdvancedBookingOffset"))
        for rule in told[0].iter(f"{{{NAMESPACE}}}BookingRule")
    ]
    assert rules == [("2031-02-01", "P2D")]  # what is 0 is not said


def test_a_house_without_such_a_plan_says_so() -> None:
    reply = answered("plans/names-only", PlansFound("DEMO01", "EUR", False, (), ()))
    assert b"<Errors>" in reply.body
    assert b'Code="249"' in reply.body


@pytest.mark.parametrize("name", MESSAGES)
def test_it_is_written_anew(name: str) -> None:
    inspection = Inspection("ota-2015a", reencode=True)
    found = CONNECTOR.inspect((FIXTURES / f"{name}.xml").read_bytes(), inspection)
    assert found.encoded is not None, found.warnings
    document = CONNECTOR.open(Head("POST", "/", {}), [found.encoded])
    again = CONNECTOR.parse(document, site("ota-2015a"))
    kinds = [type(one) for one in again]
    assert kinds == [type(one) for one in opened_events(name)]
    assert CONNECTOR.inspect(found.encoded, inspection).encoded == found.encoded


@pytest.mark.parametrize(
    ("name", "one", "most"),
    [
        ("statistics/night-audit", b"<Statistic FiscalDate", statistics.REPORTS_MAX),
        ("profile/read", b"<ProfileReadRequest>", profiles.ASKED_MAX),
        ("plans/names-only", b"<RatePlan>", plans.ASKED_MAX),
        ("description/rooms", b"<HotelDescriptiveInfo ", plans.ASKED_MAX),
    ],
)
def test_there_is_a_limit_to_what_one_message_asks(name: str, one: bytes, most: int) -> None:
    data = (FIXTURES / f"{name}.xml").read_bytes()
    tag = one.split()[0].strip(b"<>")
    start = data.index(one)
    part = data[start : data.index(b"</" + tag + b">", start) + len(tag) + 3]
    for count, taken in ((most, True), (most + 1, False)):
        many = data.replace(part, part * (count - data.count(b"<" + tag + b" ") - data.count(b"<" + tag + b">") + 1))
        document = CONNECTOR.open(Head("POST", "/", {}), [many])
        if taken:
            assert len(CONNECTOR.parse(document, site("ota-2015a"))) == most
        else:
            with pytest.raises(Malformed, match=f"at most {most}"):
                CONNECTOR.parse(document, site("ota-2015a"))
