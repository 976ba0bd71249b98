"""Activities: the rules of OTA_HotelPostEventNotif:EventReports, since 2020-10.

Sources: AlpineBits HotelData, chapter Activity; protocol sheet, section 8.
"""

from __future__ import annotations

from datetime import datetime

from connectors.opentravel._shared.names import every, first
from connectors.opentravel.alpinebits.faults import broken, need, need_child, whole
from gateway.errors import Reason
from gateway.wire.xml import Node


def check(root: Node) -> None:
    """Each event once, and one that is not deleted has a title and a date."""
    seen: set[tuple[str, str]] = set()
    for report in every(root, "EventReports", "EventReport"):
        number = need_child(report, "EventSites", "EventSite", "Event_ID")
        key = (need(number, "ID_Context"), need(number, "ID"))
        if key in seen:
            raise broken(number, f"the event {key[1][:40]!r} is there twice", attribute="ID")
        seen.add(key)
        information = need_child(report, "GeneralEventInfo")
        if len(information) or information.attrib:
            _check_event(information)


def _check_event(information: Node) -> None:
    titles = [one for one in every(information, "Comments", "Comment") if one.get("Name") == "Title"]
    if not titles:
        raise broken(information, "the event has no title", Reason.REQUIRED_MISSING)
    dates = every(information, "Dates", "Date")
    if not dates:
        raise broken(information, "the event has no date", Reason.REQUIRED_MISSING)
    for date in dates:
        _check_date(date)
    attendees = first(information, "AttendeeInfo")
    if attendees is not None and whole(attendees, "PreRegisteredQuantity") > whole(attendees, "TotalQuantity"):
        raise broken(attendees, "more are registered than can come", attribute="PreRegisteredQuantity")


def _check_date(date: Node) -> None:
    start, end = _moment(date.get("Start")), _moment(date.get("End"))
    if start is None or end is None or (start.tzinfo is None) != (end.tzinfo is None):
        return  # Times of day and mixed forms cannot be compared.
    if start > end:
        raise broken(date, "the event ends before it begins", Reason.DATE_COMBINATION, "End")


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
