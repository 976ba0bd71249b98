"""OTA_HotelStatsNotifRQ: what a PMS reports of a fiscal date, figure by figure (OpenTravel 2015A, StatisticsType)."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.opentravel._shared import names
from connectors.opentravel._shared.names import at_most, content, every, value
from connectors.opentravel._shared.notif_report import line_of
from connectors.opentravel._shared.numbers import parse_amount, parse_count
from connectors.opentravel._shared.target import read_day
from gateway.errors import Malformed, Reason, Refusal
from gateway.messages import Statistic, StatisticsReceived
from gateway.wire.xml import Node

_PATH = f"/{names.STATISTICS}/Statistics/Statistic"
REPORTS_MAX = 50
_DAY_CHARS = 10
_COUNT_MAX = 999_999_999


def read_statistics(root: Node, hotel: str, currency: str) -> list[StatisticsReceived]:
    """One event for each report; raises :class:`Refusal` for a figure that is none."""
    reports = at_most(REPORTS_MAX, every(root, "Statistics", "Statistic"), _PATH)
    if not reports:
        raise Malformed("there is nothing in it", Reason.REQUIRED_MISSING, path=_PATH, line=line_of(root))
    return [_report(node, hotel, currency, f"{_PATH}[{number}]") for number, node in enumerate(reports, start=1)]


def _report(node: Node, hotel: str, currency: str, path: str) -> StatisticsReceived:
    sets = every(node, "StatisticApplicationSets", "StatisticApplicationSet")
    date = value(node, "FiscalDate")
    try:
        day = read_day(date[:_DAY_CHARS], "@FiscalDate") if date else None
        figures = tuple(figure for one in sets for figure in _figures(one, currency))
    except Refusal as refusal:
        refusal.path, refusal.line = f"{path}/{refusal.path}", line_of(node)
        raise
    notes = (content(text) for one in sets for said in every(one, "ReportSummaries", "ReportSummary") for text in said)
    return StatisticsReceived(
        value(node, "HotelCode") or hotel, value(node, "ReportCode"), day, figures, tuple(filter(None, notes))
    )


def _figures(node: Node, currency: str) -> Iterator[Statistic]:
    """Of one set; a sum without a currency is in the house's."""
    codes = every(node, "StatisticCodes", "StatisticCode")
    about = tuple((value(one, "StatCategoryCode"), value(one, "StatCode")) for one in codes)
    path = "RevenueCategorySummary"
    for one in every(node, "RevenueCategorySummaries", "RevenueCategorySummary"):
        money = value(one, "CurrencyCode") or currency
        amount = parse_amount(value(one, "Amount"), value(one, "DecimalPlaces"), money, f"{path}/@Amount")
        yield Statistic(value(one, "RevenueCategoryCode"), amount, money, about)
    path = "CountCategorySummary"
    for one in every(node, "CountCategorySummaries", "CountCategorySummary"):
        count = parse_count(value(one, "SummaryCount"), f"{path}/@SummaryCount", most=_COUNT_MAX)
        yield Statistic(value(one, "CountCategoryCode"), count, "", about)
