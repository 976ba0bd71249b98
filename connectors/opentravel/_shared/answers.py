"""What we answer: the RS of each message, with Success or Errors (sheet, section 1, outcome pattern)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from connectors.opentravel._shared import names
from connectors.opentravel._shared.envelope import message
from connectors.opentravel._shared.names import ERROR
from gateway.errors import Reason, Refusal
from gateway.messages import Applied, Pong, Result, Taken
from gateway.model.dates import Instant
from gateway.model.reservation import RevisionKind
from gateway.wire.xmlwrite import attributes, element, text
from mappings import look_up

ADVISORY = "11"
OUR_SOURCE = "GATEWAY"
_LANGUAGE = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")
_SHORT_CHARS_MAX = 64
_ERRORS_MAX = 99

_RESPONSE: Mapping[str, str] = {
    RevisionKind.NEW: "Committed",
    RevisionKind.MODIFY: "Modified",
    RevisionKind.CANCEL: "Cancelled",
    RevisionKind.IGNORE: "Ignored",
}
# Messages whose answer has room for Errors, whether or not they are taken here.
_ANSWERED = (
    names.ARI_ROOTS
    | names.RESERVATION_ROOTS
    | names.SELLER_ROOTS
    | names.HOUSE_ROOTS
    | {names.PING, names.READ, names.NOTIF_REPORT, names.RATE_PLANS, names.INVENTORY, names.DESCRIPTIVE}
    | names.NOT_TAKEN
)


class Asked(NamedTuple):
    """What an answer repeats of its question; ``root`` empty when nothing could be read.

    ``answer`` is the root of the answer, where its question alone does not tell it.
    """

    root: str = ""
    token: str = ""
    language: str = ""
    answer: str = ""

    @property
    def echoed_language(self) -> str:
        """Empty for what is no xs:language ("en_US"): repeating it would make the answer invalid."""
        return self.language if _LANGUAGE.fullmatch(self.language) else ""


def confirm(
    asked: Asked,
    results: Sequence[Result],
    at_ms: Instant,
    version: str,
    release: str,
    notes: Sequence[str] = (),
    data: str = "",
    **more: str | None,
) -> bytes:
    """Success with what the message wants to hear; raises TypeError for a result that does not belong to it.

    ``release`` is that of the receiver's schema, ``notes`` become warnings, ``data`` is XML for what was asked, and
    ``more`` are attributes of the root.
    """
    taken = [result for result in results if isinstance(result, Taken)]
    content = f"<Success/>{warnings_of([*results, Applied(tuple(notes))])}{data}"
    if asked.root == names.PING:
        echo = next((result.echo for result in results if isinstance(result, Pong)), "")
        content += f"<EchoData>{text(echo)}</EchoData>"
    elif asked.root == names.CANCEL:
        more["Status"] = "Cancelled"
        content += "".join(
            element("UniqueID", "", Type=kind, ID=identity[:32])
            for one in taken
            for kind, identity in ((names.RESERVATION_ID, one.booking_id), (names.HOTEL_ID, one.reservation_id))
        )
    elif asked.root in names.RESERVATION_LISTS:
        more["ResResponseType"] = _RESPONSE[taken[0].kind] if taken else None
        content += _reservations(asked.root, taken, with_hotel=release == "2015A")
    return _message(asked, content, at_ms, version, **more)


def succeed(asked: Asked, content: str, at_ms: Instant, version: str, **more: str | None) -> bytes:
    """Success with content that is XML already; ``more`` are attributes of the root."""
    return _message(asked, f"<Success/>{content}", at_ms, version, **more)


def _reservations(root: str, taken: Iterable[Taken], *, with_hotel: bool) -> str:
    holder, item = names.RESERVATION_LISTS[root]
    return element(holder, "".join([f"<{item}>{_reservation(one, with_hotel)}</{item}>" for one in taken]))


def _reservation(one: Taken, with_hotel: bool) -> str:
    """Their id and ours. BasicPropertyInfo is mandatory in 2015A and forbidden before (sheet, section 5.3)."""
    hotel = f"<BasicPropertyInfo{attributes(HotelCode=one.hotel)}/>" if with_hotel else ""
    return (
        f'<UniqueID Type="{names.RESERVATION_ID}"{attributes(ID=one.booking_id[:32])}/>'
        f'<ResGlobalInfo><HotelReservationIDs><HotelReservationID ResID_Type="{names.HOTEL_ID}"'
        f'{attributes(ResID_Value=one.reservation_id)} ResID_Source="{OUR_SOURCE}"/></HotelReservationIDs>'
        f"{hotel}</ResGlobalInfo>"
    )


def warnings_of(results: Sequence[Result]) -> str:
    """Warnings for what took effect with a remark, and for what was refused beside it; nothing without one."""
    given: list[str] = []
    for result in results:
        if isinstance(result, Applied):
            given += (_problem("Warning", ADVISORY, "", warning, None) for warning in result.warnings)
        elif isinstance(result, Taken):
            given += (_problem("Warning", ADVISORY, "", warning, result.booking_id) for warning in result.warnings)
        elif isinstance(result, Refusal):
            given.append(_problem("Warning", *codes_of(result.reason), describe(result), result.record))
    return f"<Warnings>{''.join(given[:_ERRORS_MAX])}</Warnings>" if given else ""


def deny(asked: Asked, refusals: Sequence[Refusal], at_ms: Instant, version: str) -> bytes:
    """Errors. Where no message could be made out it is OTA_ErrorRS, which has room for one in its attributes."""
    if asked.root not in _ANSWERED:
        return _unreadable(asked, refusals[0], at_ms, version)
    errors = "".join(
        _problem("Error", *codes_of(refusal.reason), describe(refusal), refusal.record)
        for refusal in refusals[:_ERRORS_MAX]
    )
    more = {"Status": "Unsuccessful"} if asked.root == names.CANCEL else {}
    return _message(asked, f"<Errors>{errors}</Errors>", at_ms, version, **more)


def _unreadable(asked: Asked, refusal: Refusal, at_ms: Instant, version: str) -> bytes:
    kind, code = codes_of(refusal.reason)
    if asked.root:
        kind, code = "2", "459"
    given = {
        "Status": "NotProcessed",
        "ErrorCode": code,
        "ErrorMessage": writable(f"Type {kind}: {describe(refusal)}"),
    }
    return message(
        ERROR, "", token=asked.token, at_ms=at_ms, version=version, PrimaryLangID=asked.echoed_language, **given
    )


def codes_of(reason: Reason) -> tuple[str, str]:
    """EWT and ERR code for a reason of ours."""
    kind, _, code = look_up("reasons", reason.value).partition(" ")
    return kind, code


def describe(refusal: Refusal) -> str:
    """The text with the place of the fault."""
    place = ", ".join(part for part in (refusal.path, f"line {refusal.line}" if refusal.line else None) if part)
    return f"{refusal.text} ({place})" if place else refusal.text


def _problem(tag: str, kind: str, code: str, told: str, record: str | None) -> str:
    short = told if len(told) <= _SHORT_CHARS_MAX else told[: _SHORT_CHARS_MAX - 1] + "…"
    told = writable(told)
    given = attributes(Type=kind, ShortText=writable(short), Code=code, RecordID=writable((record or "")[:64]))
    return f"<{tag}{given}>{text(told)}</{tag}>"


def writable(told: str) -> str:
    """Refusals quote what was sent; what XML cannot hold becomes a question mark, so that we can always answer."""
    return "".join(character if character.isprintable() else "?" for character in told)


def _message(asked: Asked, content: str, at_ms: Instant, version: str, **more: str | None) -> bytes:
    root = asked.answer or names.answer_to(asked.root)
    return message(
        root, content, token=asked.token, at_ms=at_ms, version=version, PrimaryLangID=asked.echoed_language, **more
    )
