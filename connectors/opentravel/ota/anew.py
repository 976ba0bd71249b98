"""What a house tells and is asked, written anew from what was read of it, for ``gateway inspect --roundtrip``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from connectors.opentravel._shared import names
from connectors.opentravel._shared.envelope import message
from gateway.errors import Unsupported
from gateway.messages import (
    Event,
    Identity,
    PlansAsked,
    ProfileAsked,
    ProfileReceived,
    Query,
    Statistic,
    StatisticsReceived,
)
from gateway.model.dates import format_day
from gateway.model.money import format_minor
from gateway.wire.xmlwrite import element, text

Read = Sequence[Event | Query]

# The first tag of a profile and its last, if it has one.
_CHANGED = re.compile(r"(?<=\A<)Profile\b|(?<=</)Profile(?=>\Z)")


def writes(root: str, read: Read) -> bool:
    """Whether a message of that root is written here."""
    return root in _WRITERS or (root == names.READ and all(isinstance(one, ProfileAsked) for one in read))


def write(root: str, read: Read, version: str) -> bytes:
    """The whole message, the instant of its writing aside."""
    content = _profiles_asked(read, root) if root == names.READ else _WRITERS[root](read, root)
    return message(root, content, token="inspect", at_ms=0, version=version)


def _profile(read: Read, root: str) -> str:
    (event,) = read
    assert isinstance(event, ProfileReceived)
    document = event.document
    if event.changed:
        document = _CHANGED.sub("ProfileModify", document)
    return "".join(_unique(one) for one in event.names) + document


def _profiles_asked(read: Read, root: str) -> str:
    asked = (one for one in read if isinstance(one, ProfileAsked))
    written = (element("ProfileReadRequest", "".join(_unique(name) for name in one.names)) for one in asked)
    return element("ReadRequests", "".join(written))


def _statistics(read: Read, root: str) -> str:
    written = []
    for event in read:
        if not isinstance(event, StatisticsReceived):
            raise Unsupported(f"{type(event).__name__} has no place in {root}", path=f"/{root}")
        sets = _sets(event)
        written.append(
            element(
                "Statistic",
                element("StatisticApplicationSets", sets),
                HotelCode=event.hotel,
                FiscalDate=format_day(event.day) if event.day is not None else None,
                ReportCode=event.report,
            )
        )
    return element("Statistics", "".join(written))


def _sets(event: StatisticsReceived) -> str:
    """One set for each subject; what is said in words stands in the last."""
    by_subject: dict[tuple[tuple[str, str], ...], list[Statistic]] = {}
    for figure in event.figures:
        by_subject.setdefault(figure.about, []).append(figure)
    written = [_set(about, figures) for about, figures in by_subject.items()]
    notes = "".join(element("ReportSummary", f"<Text>{text(note)}</Text>") for note in event.notes)
    if notes or not written:
        written.append(element("ReportSummaries", notes) if notes else "")
    return "".join(element("StatisticApplicationSet", one) for one in written)


def _set(about: tuple[tuple[str, str], ...], figures: Sequence[Statistic]) -> str:
    codes = "".join(element("StatisticCode", "", StatCategoryCode=kind, StatCode=code) for kind, code in about)
    money = "".join(
        element(
            "RevenueCategorySummary",
            "",
            RevenueCategoryCode=one.code,
            Amount=format_minor(one.amount, one.currency),
            CurrencyCode=one.currency,
        )
        for one in figures
        if one.currency
    )
    counts = "".join(
        element("CountCategorySummary", "", CountCategoryCode=one.code, SummaryCount=str(one.amount))
        for one in figures
        if not one.currency
    )
    parts = (("StatisticCodes", codes), ("RevenueCategorySummaries", money), ("CountCategorySummaries", counts))
    return "".join(element(name, inside) for name, inside in parts if inside)


def _plans_asked(read: Read, root: str) -> str:
    written = []
    for one in read:
        assert isinstance(one, PlansAsked)
        span = ""
        if one.first is not None and one.last is not None:
            span = element("DateRange", "", Start=format_day(one.first), End=format_day(one.last))
        plans = "".join(element("RatePlanCandidate", "", RatePlanCode=plan) for plan in one.plans)
        candidates = element("RatePlanCandidates", plans) if plans else ""
        written.append(element("RatePlan", span + candidates + element("HotelRef", "", HotelCode=one.hotel)))
    return element("RatePlans", "".join(written))


def _description_asked(read: Read, root: str) -> str:
    hotels = [one.hotel for one in read if isinstance(one, PlansAsked)]
    rooms = element("FacilityInfo", "", SendGuestRooms="true")
    return element(
        "HotelDescriptiveInfos", "".join(element("HotelDescriptiveInfo", rooms, HotelCode=hotel) for hotel in hotels)
    )


def _unique(one: Identity) -> str:
    return element("UniqueID", "", Type=one.kind or names.PROFILE_ID, ID=one.number)


_WRITERS: dict[str, Callable[[Read, str], str]] = {
    names.PROFILE_CREATE: _profile,
    names.PROFILE_MODIFY: _profile,
    names.STATISTICS: _statistics,
    names.PLANS_ASKED: _plans_asked,
    names.DESCRIPTION_ASKED: _description_asked,
}
