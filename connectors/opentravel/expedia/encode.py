"""The frame of every request, and the two small ones: BookingRetrievalRQ and BookingConfirmRQ (sections 1, 3, 4)."""

from __future__ import annotations

from connectors.opentravel._shared.times import format_instant_ms
from connectors.opentravel.expedia.names import BC, BR, Api
from gateway.contract import Request, Site
from gateway.errors import Reason, Unsupported
from gateway.messages import Confirmation, ConfirmReservations, RetrieveReservations
from gateway.model.reservation import RevisionKind
from gateway.wire.xmlwrite import attributes, element

CONFIRMATIONS_MAX = 10  # error 3301 refuses the whole message beyond
NUMBER_CHARS_MAX = 50
_DAY_MS = 24 * 3600 * 1000
_PAST_DAYS_MAX = 30
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
TYPES = {RevisionKind.NEW: "Book", RevisionKind.MODIFY: "Modify", RevisionKind.CANCEL: "Cancel"}


def frame(api: Api, site: Site) -> tuple[str, str]:
    """What stands before and after the content: declaration, root, credentials and the hotel."""
    login = attributes(username=site.username, password=site.password)
    hotel = element("Hotel", "", id=site.hotel)
    head = f'{_DECLARATION}<{api.request} xmlns="{api.request_spaces[0]}"><Authentication{login}/>{hotel}'
    return head, f"</{api.request}>"


def request(api: Api, site: Site, content: str, parts: int = 1) -> Request:
    """To the service's own address below ``site.url`` (``https://services.expediapartnercentral.com/eqc``)."""
    head, tail = frame(api, site)
    headers = {"content-type": "text/xml", "accept": "text/xml"}
    return Request("POST", f"{site.url.rstrip('/')}/{api.path}", headers, (head + content + tail).encode(), parts)


def retrieve(command: RetrieveReservations, site: Site) -> Request:
    """What was never fetched, and what was fetched but never confirmed: a crash in between must not hide a booking.

    With a date in the past also what is confirmed; they count blocks of 24 hours, at most 30.
    """
    asked = ["pending", "retrieved"]
    past = ""
    if command.since_ms is not None:
        asked.append("confirmed")
        days = -(-max(command.at_ms - command.since_ms, 1) // _DAY_MS)
        past = f"<NbDaysInPast>{min(days, _PAST_DAYS_MAX)}</NbDaysInPast>"
    statuses = "".join(element("Status", "", value=status) for status in asked)
    return request(BR, site, f"<ParamSet>{statuses}{past}</ParamSet>")


def confirm(command: ConfirmReservations, site: Site) -> Request:
    """The leading confirmations, up to ten or the first that says no, for which there are no words (section 4)."""
    taken: list[Confirmation] = []
    for one in command.confirmations[:CONFIRMATIONS_MAX]:
        if one.error or one.kind not in TYPES:
            break
        taken.append(one)
    if not taken:
        text = "Expedia is only told of bookings that were taken; others expire there and come by mail"
        raise Unsupported(text, Reason.BOOKING_REFERENCE)
    time = format_instant_ms(command.at_ms)
    numbers = "".join(_number(one, time) for one in taken)
    return request(BC, site, f"<BookingConfirmNumbers>{numbers}</BookingConfirmNumbers>", len(taken))


def _number(one: Confirmation, time: str) -> str:
    if not one.reservation_id or len(one.reservation_id) > NUMBER_CHARS_MAX:
        raise Unsupported(f"a confirmation number has 1 to {NUMBER_CHARS_MAX} characters", Reason.BOOKING_REFERENCE)
    return element(
        "BookingConfirmNumber",
        "",
        bookingType=TYPES[one.kind],
        bookingID=one.booking_id,
        confirmNumber=one.reservation_id,
        confirmTime=time,
    )
