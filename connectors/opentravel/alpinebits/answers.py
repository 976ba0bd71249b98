"""What we answer: the outcomes of section 1.5 as XML, and plain text where no message can be answered (1.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connectors.opentravel._shared.answers import codes_of, describe
from connectors.opentravel.alpinebits import actions
from connectors.opentravel.alpinebits.actions import ACTIONS
from connectors.opentravel.alpinebits.base_rates import write_base_rates
from connectors.opentravel.alpinebits.document import ACCEPTS_HEADER, AlpineBitsDocument
from connectors.opentravel.alpinebits.encode_ari import message_of
from connectors.opentravel.alpinebits.encode_requests import write_request
from connectors.opentravel.alpinebits.handshake import HANDSHAKE_STATUS, intersection, write_offer
from connectors.opentravel.alpinebits.profile import offer_of
from connectors.opentravel.alpinebits.rules_pulls import check_ping
from connectors.opentravel.alpinebits.terms import V2018, V2020, VERSIONS
from gateway.contract import Reply, Site
from gateway.errors import Malformed, Reason, Refusal, Unsupported
from gateway.messages import Applied, Found, Outgoing, PlansFound, Pong, Result, Taken
from gateway.model.dates import Instant
from gateway.wire.http_auth import CHALLENGE
from gateway.wire.xml import Node
from gateway.wire.xmlwrite import attributes, element, text

ADVISORY, BUSINESS_RULE, APPLICATION_ERROR = "11", "3", "13"
_UNABLE = "450"
_TEXT = {"content-type": "text/plain; charset=utf-8", ACCEPTS_HEADER: "gzip"}
_XML = {"content-type": "application/xml; charset=utf-8", ACCEPTS_HEADER: "gzip"}
_STATUS_OF = {Reason.AUTHENTICATION: 401, Reason.TOO_LARGE: 413, Reason.UNAVAILABLE: 503}
_WARNINGS_MAX = 99
_TEXT_CHARS_MAX = 2000

# Roots without Warnings, or without the alternative of Errors, by the versions that lack them.
_NO_WARNINGS = {("OTA_NotifReportRS", V2018), ("OTA_NotifReportRS", V2020)}
_NO_ERRORS = {("OTA_PingRS", V2018), ("OTA_HotelResNotifRS", V2018), ("OTA_HotelResNotifRS", V2020)}


def plain(line: str) -> Reply:
    """A line of housekeeping."""
    return Reply(200, _TEXT, line.encode())


def confirm(document: AlpineBitsDocument, site: Site, highest: str, results: Sequence[Result], at_ms: Instant) -> Reply:
    """The answer to a message that was understood; one that was refused in part says so."""
    if document.action == actions.HANDSHAKE:
        return _pong(document, highest, results, at_ms)
    if document.action == actions.RES_NOTIF:
        return _requests_taken(document, results, at_ms)
    refused = [result for result in results if isinstance(result, Refusal)]
    if refused:
        return deny(document, refused[0], at_ms)
    if document.action == actions.READ:
        found = next((result for result in results if isinstance(result, Found)), Found(()))
        return _found(document, site, found, at_ms)
    if document.action == actions.BASE_RATES:
        return _base_rates(document, site, results, at_ms)
    silent = (ACTIONS[document.action].response, _version(document)) in _NO_WARNINGS
    told = [] if silent else [*_told(results), *document.notes]
    return _reply(document, "<Success/>" + _warnings(_advisory(line) for line in told), at_ms)


def deny(document: AlpineBitsDocument, refusal: Refusal, at_ms: Instant) -> Reply:
    """Errors, where the answer has room for them and the message could be read as what it claims to be."""
    placed = isinstance(refusal, Malformed | Unsupported) and refusal.path is not None
    if placed or refusal.reason in _STATUS_OF or _response(document) is None:
        return refuse_unread(refusal)
    _, code = codes_of(refusal.reason)
    error = element("Error", text(_writable(describe(refusal))), Type=APPLICATION_ERROR, Code=code)
    return _reply(document, element("Errors", error), at_ms)


def refuse_unread(refusal: Refusal) -> Reply:
    """Plain text. Whatever is not 200 tells the client that nothing was done."""
    status = _STATUS_OF.get(refusal.reason, 400)
    headers = {**_TEXT, "www-authenticate": CHALLENGE} if status == 401 else _TEXT
    return Reply(status, headers, f"ERROR:{_writable(describe(refusal))}".encode())


# --- answers of their own ---------------------------------------------------------------------------------------------


def _pong(document: AlpineBitsDocument, highest: str, results: Sequence[Result], at_ms: Instant) -> Reply:
    refused = [result for result in results if isinstance(result, Refusal)]
    if refused:
        return deny(document, refused[0], at_ms)
    common = intersection(check_ping(document.message), offer_of(highest))
    echo = next((result.echo for result in results if isinstance(result, Pong)), "")
    warning = element("Warning", text(write_offer(common)), Type=ADVISORY, Status=HANDSHAKE_STATUS)
    return _reply(document, f"<Success/><Warnings>{warning}</Warnings><EchoData>{text(echo)}</EchoData>", at_ms)


def _found(document: AlpineBitsDocument, site: Site, found: Found, at_ms: Instant) -> Reply:
    """What cannot be told is a warning under its number, and stays undelivered."""
    written, warnings = list[str](), [_advisory(note) for note in document.notes]
    for one in found.reservations:
        try:
            written.append(write_request(one, site, document.version))
        except Refusal as refusal:
            warnings.append(_untold(one, refusal))
    if found.more:
        warnings.append(_advisory("there are more requests to read once these are acknowledged"))
    body = "<Success/>" + _warnings(warnings) + element("ReservationsList", "".join(written))
    return _reply(document, body, at_ms)


def _base_rates(document: AlpineBitsDocument, site: Site, results: Sequence[Result], at_ms: Instant) -> Reply:
    """What cannot be told in a rate plan is an error of the whole answer."""
    found = next((result for result in results if isinstance(result, PlansFound)), None)
    if found is None:
        raise TypeError("a question about rate plans is answered with rate plans")
    try:
        written = write_base_rates(found, site, document.version)
    except Refusal as refusal:
        return deny(document, refusal, at_ms)
    return _reply(document, "<Success/>" + written, at_ms)


def _requests_taken(document: AlpineBitsDocument, results: Sequence[Result], at_ms: Instant) -> Reply:
    """Those that are ours now by their numbers; the others as warnings. Errors where none is."""
    numbers = list(document.message.iter("{*}HotelReservation"))
    taken, warnings = list[str](), [_advisory(note, *_record(numbers)) for note in document.notes]
    for node, result in zip(numbers, results, strict=True):
        unique = next(node.iter("{*}UniqueID"))
        number = unique.get("ID", "")
        if isinstance(result, Refusal):
            _, code = codes_of(result.reason)
            warnings.append(_warning(BUSINESS_RULE, describe(result), code, number))
            continue
        taken.append(element("HotelReservation", element("UniqueID", "", Type=unique.get("Type"), ID=number)))
        warnings += (_advisory(line, number) for line in _told([result]))
    if not taken:
        refused = [result for result in results if isinstance(result, Refusal)]
        return deny(document, refused[0] if refused else Malformed("there is no request in it"), at_ms)
    body = "<Success/>" + _warnings(warnings) + element("HotelReservations", "".join(taken))
    return _reply(document, body, at_ms)


# --- parts ------------------------------------------------------------------------------------------------------------


def _response(document: AlpineBitsDocument) -> str | None:
    """The root of an answer that can hold Errors in the client's version."""
    action = ACTIONS.get(document.action)
    if action is None or (action.response, _version(document)) in _NO_ERRORS:
        return None
    return action.response


def _version(document: AlpineBitsDocument) -> str:
    """A handshake may come from a version we don't know; it is answered in the newest form."""
    return document.version if document.version in VERSIONS else VERSIONS[-1]


def _reply(document: AlpineBitsDocument, body: str, at_ms: Instant) -> Reply:
    version = document.message.get("Version") or "1.0"
    return Reply(200, _XML, message_of(ACTIONS[document.action].response, body, version, at_ms))


def _told(results: Iterable[Result]) -> list[str]:
    return [line for result in results if isinstance(result, Applied | Taken) for line in result.warnings]


def _record(numbers: list[Node]) -> tuple[str, ...]:
    return tuple(unique.get("ID", "") for node in numbers[:1] for unique in node.iter("{*}UniqueID"))[:1]


def _untold(one: Outgoing, refusal: Refusal) -> str:
    return _warning(BUSINESS_RULE, describe(refusal), _UNABLE, one.reservation_id)


def _advisory(line: str, record: str = "") -> str:
    """With a record it is about a guest request, whose warnings have a code."""
    return _warning(ADVISORY, line, _UNABLE if record else "", record)


def _warning(kind: str, line: str, code: str, record: str) -> str:
    given = attributes(Type=kind, Code=code, RecordID=_writable(record[:64]))
    return f"<Warning{given}>{text(_writable(line))}</Warning>"


def _warnings(written: Iterable[str]) -> str:
    found = list(written)[:_WARNINGS_MAX]
    return f"<Warnings>{''.join(found)}</Warnings>" if found else ""


def _writable(line: str) -> str:
    """Refusals quote what was sent; what XML and headers cannot hold becomes a question mark."""
    return "".join(character if character.isprintable() else "?" for character in line[:_TEXT_CHARS_MAX])
