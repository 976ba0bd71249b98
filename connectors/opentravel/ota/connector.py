"""The contract, put together from the codec: what comes in, what goes out, and HTTP around both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from connectors.opentravel._shared import answers, decode_ari, inspect_ota, names, outcomes, sender
from connectors.opentravel._shared.decode_avail import AvailCollector
from connectors.opentravel._shared.decode_booking_rules import BookingRulesCollector
from connectors.opentravel._shared.decode_counts import CountsCollector
from connectors.opentravel._shared.decode_rates import RatesCollector
from connectors.opentravel._shared.decode_reservation import Reader
from connectors.opentravel._shared.encode_ari import encode_push, locators
from connectors.opentravel._shared.encode_reservation import encode_delivery
from connectors.opentravel._shared.envelope import message
from connectors.opentravel._shared.names import content, first
from connectors.opentravel._shared.profile import Profile, load_profile
from connectors.opentravel.ota.document import OtaDocument, read
from connectors.opentravel.ota.rewrite import rewrite
from gateway.contract import Capabilities, Decoded, Document, Head, Inspected, Inspection, Reply, Request, Site
from gateway.errors import Malformed, Reason, Refusal, Unauthentic, Unsupported
from gateway.messages import (
    AriReceived,
    Command,
    DeliverReservation,
    Event,
    Ping,
    PingReceived,
    PushAvailability,
    PushRates,
    Query,
    ReservationReceived,
    Result,
)
from gateway.model.dates import Instant
from gateway.wire import soap
from gateway.wire.http_auth import CHALLENGE, compose_basic
from gateway.wire.soap import EnvelopeFault, Version
from gateway.wire.xml import read_tree
from gateway.wire.xmlwrite import text

# The most any profile may send us; which profile it is shows only after the sender has been found.
_BODY_BYTES_MAX = Capabilities().body_bytes_max
_VERSION = "1.0"
_CONTENT_TYPE = "text/xml; charset=utf-8"

_COLLECTORS = {
    names.AVAIL: AvailCollector,
    names.RATES: RatesCollector,
    names.INV_COUNT: CountsCollector,
    names.BOOKING_RULE: BookingRulesCollector,
}
_ANSWER_ROOTS = {
    Ping: "OTA_PingRS",
    PushAvailability: "OTA_HotelAvailNotifRS",
    PushRates: "OTA_HotelRateAmountNotifRS",
    DeliverReservation: "OTA_HotelResNotifRS",
}
_STATUS_OF = {
    Reason.SYNTAX: 400,
    Reason.FORBIDDEN_CONTENT: 400,
    Reason.AUTHENTICATION: 401,
    Reason.TOO_LARGE: 413,
    Reason.UNAVAILABLE: 503,
}


class OpenTravel:
    """``site.options`` may hold ``timezone``, the IANA zone of times sent without one (default UTC)."""

    name = "opentravel"

    def capabilities(self, profile: str) -> Capabilities:
        return load_profile(profile).capabilities()

    def inspect(self, data: bytes, inspection: Inspection) -> Inspected:
        found = inspect_ota.inspect(data, inspection)
        if not inspection.reencode:
            return found
        try:
            encoded = self._rewritten(data, inspection.profile)
        except Refusal as error:  # Valid, but not a message we could take: the integrator is told why.
            return replace(found, warnings=(*found.warnings, f"not written anew: {error.text}"))
        return replace(found, encoded=encoded)

    def _rewritten(self, data: bytes, profile: str) -> bytes:
        site = Site(connection="inspect", profile=profile, hotel="", currency="")
        document = _own(self.open(Head("POST", "/", {}), [data]))
        events = self.parse(document, site)
        hotel = next((event.hotel for event in events if isinstance(event, AriReceived | ReservationReceived)), "")
        dialect = load_profile(profile)
        written_for = replace(site, hotel=hotel)
        return rewrite(document.root, events, lambda it: _write(it, written_for, dialect, dialect.capabilities()))

    # --- they call us -------------------------------------------------------------------------------------------------

    def open(self, head: Head, chunks: Iterable[bytes]) -> Document:
        return read(head, chunks, _BODY_BYTES_MAX)

    def locate(self, document: Document) -> str:
        """The path says it."""
        return ""

    def verify(self, document: Document, site: Site, now_ms: Instant) -> None:
        shown = _own(document).credentials
        if isinstance(shown, Unauthentic):
            raise shown
        sender.verify(shown, site)

    def parse(self, document: Document, site: Site) -> Sequence[Event | Query]:
        ours = _own(document)
        if ours.root in _COLLECTORS:
            return [_parse_ari(ours, site)]
        tree = ours.tree if ours.tree is not None else read_tree(ours.data, ours.limits)
        if ours.root in names.RESERVATION_ROOTS:
            zone = str(site.options.get("timezone", "UTC"))
            return Reader(site.hotel, site.currency, zone).read(tree)
        if ours.root == names.PING:
            return [PingReceived(content(first(tree, "EchoData")))]
        raise Unsupported(f"{ours.root} is not taken here", path=f"/{ours.root}", line=1)

    def answer(self, document: Document, site: Site, results: Sequence[Result], now_ms: Instant) -> Reply:
        """Always HTTP 200: the message was read, whatever became of it."""
        ours = _own(document)
        asked = ours.asked
        refusals = [result for result in results if isinstance(result, Refusal)]
        profile = load_profile(site.profile)
        if refusals:
            written = answers.deny(asked, refusals, now_ms, profile.version_attr)
        else:
            written = answers.confirm(asked, results, now_ms, profile.version_attr)
        if ours.envelope is not None:
            return _enveloped(200, written, ours.envelope.version)
        return Reply(200, {"content-type": profile.content_type}, written)

    def refuse(self, document: Document | None, error: Refusal, now_ms: Instant) -> Reply:
        asked = _own(document).asked if document is not None else answers.Asked()
        status = _STATUS_OF.get(error.reason, 200)
        written = answers.deny(asked, [error], now_ms, _VERSION)
        if isinstance(error, EnvelopeFault):
            return _fault(error, error.version, written)
        envelope = _own(document).envelope if document is not None else None
        if envelope is not None and error.reason is Reason.UNAVAILABLE:
            return _fault(error, envelope.version, written)
        if envelope is not None:
            return _enveloped(401 if status == 401 else 200, written, envelope.version)
        headers = {"content-type": _CONTENT_TYPE}
        if status == 401:
            headers["www-authenticate"] = CHALLENGE
        return Reply(status, headers, written)

    # --- we call them -------------------------------------------------------------------------------------------------

    def encode(self, command: Command, site: Site) -> Request:
        profile = load_profile(site.profile)
        capabilities = profile.capabilities()
        if type(command) not in capabilities.commands:
            raise Unsupported(f"{type(command).__name__} has no place in {site.profile}")
        body, parts = _write(command, site, profile, capabilities)
        headers = {"content-type": profile.content_type, "accept": "text/xml, application/xml"}
        if site.username:
            headers["authorization"] = compose_basic(site.username, site.password)
        return Request("POST", site.url, headers, body, parts)

    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        profile = load_profile(site.profile)
        parts: dict[str, int] = {}
        if isinstance(command, PushAvailability | PushRates):
            parts = locators(command, request.parts, profile)
        elif isinstance(command, DeliverReservation):
            parts = {command.revision.booking_id: 0}
        return outcomes.read_answer(reply, _ANSWER_ROOTS[type(command)], parts, profile.warnings_skip)


def _own(document: Document) -> OtaDocument:
    if not isinstance(document, OtaDocument):
        raise TypeError(f"{type(document).__name__} was not opened by this connector")
    return document


def _enveloped(status: int, written: bytes, version: Version) -> Reply:
    """An answer in an envelope: Errors too are one, so that nobody takes a refusal for a server's problem."""
    headers = {"content-type": version.content_type}
    if status == 401:
        headers["www-authenticate"] = CHALLENGE
    return Reply(status, headers, soap.wrap(written, version))


def _fault(error: Refusal, version: Version, detail: bytes) -> Reply:
    """For an envelope without a message in it, and for a server that has a problem."""
    _, code = soap.fault_of(error)
    told = "the message could not be read" if isinstance(error, EnvelopeFault) else "the service is not available now"
    written = soap.write_fault(version, code, told, detail)
    return Reply(soap.fault_status(version, code), {"content-type": version.content_type}, written)


def _parse_ari(document: OtaDocument, site: Site) -> AriReceived:
    profile = load_profile(site.profile)
    collector = _COLLECTORS[document.root]
    if document.tree is not None:
        found = decode_ari.decode_tree(document.tree, collector, profile, site.currency)
    else:
        found = decode_ari.decode(document.data, collector, profile, site.currency, document.limits)
    if not found.hotel and profile.hotel_code_on_list:
        path = f"/{found.root}/{found.container}/@HotelCode"
        raise Malformed("HotelCode is missing", Reason.REQUIRED_MISSING, path=path)
    clears = decode_ari.clearings(found)
    return AriReceived(found.hotel or site.hotel, tuple(found.updates), document.asked.token, clears)


def _write(command: Command, site: Site, profile: Profile, capabilities: Capabilities) -> tuple[bytes, int]:
    if isinstance(command, PushAvailability | PushRates):
        return encode_push(command, site.hotel, profile, capabilities)
    if isinstance(command, DeliverReservation):
        return encode_delivery(command, site.hotel, profile, site.currency), 1
    if isinstance(command, Ping):
        echo = f"<EchoData>{text(command.id)}</EchoData>"
        version = profile.version_attr
        return message(names.PING, echo, token=command.id, at_ms=command.at_ms, version=version), 1
    raise Unsupported(f"{type(command).__name__} has no place here")
