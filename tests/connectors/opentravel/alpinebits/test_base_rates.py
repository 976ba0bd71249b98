"""BaseRates: what is asked, and an answer that is valid and could be pushed as new plans, in every version."""

from __future__ import annotations

import msgspec
import pytest
from lxml import etree

from connectors.opentravel.alpinebits import rules
from connectors.opentravel.alpinebits.actions import RATE_PLANS
from connectors.opentravel.alpinebits.terms import VERSIONS, Terms
from gateway.contract import Document, Head, Reply, Site
from gateway.messages import Described, PlansAsked, PlansFound
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import FIRST_DAY, LAST_DAY, parse_day
from gateway.testing import default_site
from gateway.testing.subject import NOW_MS
from gateway.wire.xml import read_tree
from tests.conformance.alpinebits_form import InForm
from tests.connectors.opentravel.alpinebits import schemas
from tests.connectors.opentravel.alpinebits.examples import EVERYTHING
from tests.connectors.opentravel.schemas import folder

NAMESPACE = "http://www.opentravel.org/OTA/2003/05"
DAY = parse_day("2031-12-01")
RULE_FIELDS = (Field.CLOSED, Field.CTA, Field.CTD, Field.MIN_ARRIVAL, Field.MIN_THROUGH, Field.MAX_ARRIVAL)


def _rules(**values: int) -> tuple[Setting, ...]:
    return tuple(Setting(field, values.get(field.value, 0)) for field in RULE_FIELDS)


FOUND = PlansFound(
    "DEMO01",
    "EUR",
    False,
    (Described("DBL"),),
    (Described("FLEX", "Flexible"), Described("EMPTY")),
    (
        AriUpdate(
            "DBL",
            "FLEX",
            DAY,
            DAY + 9,
            (Setting(Field.PRICE, 12_000, 1), Setting(Field.PRICE, 15_000, 2)),
            currency="EUR",
        ),
        AriUpdate("DBL", "FLEX", DAY, DAY + 4, _rules(cta=1, min_arrival=2)),
        AriUpdate("DBL", "FLEX", DAY + 5, DAY + 9, _rules(closed=1)),
    ),
)


def site(version: str, **options: object) -> Site:
    given = {"rate_basis": "room", "meals": {"*": "half board"}, **options}
    return msgspec.structs.replace(default_site(f"alpinebits-{version}"), hotel="DEMO01", options=given)


def opened(version: str, span: str = '<DateRange Start="2031-12-01" End="2031-12-31"/>') -> tuple[InForm, Document]:
    connector = InForm(version)
    body = (
        f'<OTA_HotelRatePlanRQ xmlns="{NAMESPACE}" Version="1.000"><RatePlans><RatePlan>{span}<RatePlanCandidates>'
        '<RatePlanCandidate RatePlanCode="FLEX"/></RatePlanCandidates><HotelRef HotelCode="DEMO01"/>'
        "</RatePlan></RatePlans></OTA_HotelRatePlanRQ>"
    )
    return connector, connector.open(Head("POST", "/", {}), [body.encode()])


def answered(version: str, found: PlansFound = FOUND, **options: object) -> Reply:
    connector, document = opened(version)
    account = site(version, **options)
    connector.parse(document, account)
    return connector.answer(document, account, [found], NOW_MS)


@pytest.mark.parametrize(
    ("span", "first", "last"),
    [
        ('<DateRange Start="2031-12-01" End="2031-12-31"/>', DAY, DAY + 30),
        ('<DateRange Start="2031-12-01"/>', DAY, LAST_DAY),
        ('<DateRange End="2031-12-01"/>', FIRST_DAY, DAY),
        ("", FIRST_DAY, LAST_DAY),
    ],
)
def test_a_period_may_be_open(span: str, first: int, last: int) -> None:
    connector, document = opened("2024-10", span)
    assert connector.parse(document, site("2024-10")) == [PlansAsked("DEMO01", ("FLEX",), first, last)]


@schemas.needed
@pytest.mark.parametrize("version", VERSIONS)
def test_the_answer_is_valid(version: str) -> None:
    assert schemas.faults(answered(version).body, version) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_the_answer_could_be_pushed_as_new_plans(version: str) -> None:
    root = etree.fromstring(answered(version).body)
    holder = root.find(f"{{{NAMESPACE}}}RatePlans")
    assert holder is not None
    for plan in holder:
        plan.set("RatePlanNotifType", "New")
    pushed = etree.Element(f"{{{NAMESPACE}}}OTA_HotelRatePlanNotifRQ", Version="1.000")
    pushed.append(holder)
    assert rules.check(read_tree(etree.tostring(pushed)), RATE_PLANS, Terms(version, EVERYTHING)) == ()
    first = holder[0]
    assert [one.get("MealPlanCodes") for one in first.iter(f"{{{NAMESPACE}}}MealsIncluded")] == ["12"]
    assert [one.get("Start") for one in first.iter(f"{{{NAMESPACE}}}BookingRule")] == ["2031-12-01", "2031-12-06"]


@pytest.mark.parametrize(
    ("version", "changed", "options"),
    [
        ("2024-10", {"net": True}, {}),
        ("2018-10", {"currency": "CHF"}, {}),
        ("2024-10", {}, {"rate_basis": ""}),
        ("2024-10", {"plans": ()}, {}),
    ],
)
def test_what_cannot_be_told_is_an_error(version: str, changed: dict[str, object], options: dict[str, object]) -> None:
    reply = answered(version, msgspec.structs.replace(FOUND, **changed), **options)
    root = etree.fromstring(reply.body)
    assert root.find(f"{{{NAMESPACE}}}Errors/{{{NAMESPACE}}}Error") is not None
    if folder().is_dir():
        assert schemas.faults(reply.body, version) == []
