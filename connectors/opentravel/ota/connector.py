"""The contract, put together from the codec: what comes in, what goes out, and HTTP around both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from connectors.opentravel._shared import answers, inspect_ota, names, outcomes, sender
from connectors.opentravel._shared.encode_ari import encode_push, locators
from connectors.opentravel._shared.encode_reservation import encode_delivery
from connectors.opentravel._shared.envelope import message
from connectors.opentravel._shared.explain import explain
from connectors.opentravel._shared.profile import Profile, load_profile
from connectors.opentravel._shared.rewrite import hotel_of, rewrite, with_encoded
from connectors.opentravel.ota import anew, fetch, plans, profiles, retrieve
from connectors.opentravel.ota.document import OtaDocument, read
from connectors.opentravel.ota.read import read_message, sells, zone_of
from connectors.opentravel.ota.selling_answers import write_selling
from gateway.contract import Capabilities, Decoded, Document, Head, Reply, Request, Site
from gateway.contract_inspecting import Inspected, Inspection
from gateway.errors import Reason, Refusal, Unauthentic, Unsupported
from gateway.messages import (
    Command,
    ConfirmReservations,
    DeliverReservation,
    Event,
    Ping,
    PushAvailability,
    PushRates,
    Query,
    Result,
    RetrieveReservations,
    Taken,
)
from gateway.model.dates import Instant
from gateway.wire import soap
from gateway.wire.http_auth import CHALLENGE, compose_basic
from gateway.wire.soap import EnvelopeFault, Version
from gateway.wire.xmlwrite import text

# The most any profile may send us; which profile it is shows only after the sender has been found.
_BODY_BYTES_MAX = Capabilities().body_bytes_max
_VERSION = "1.0"
_CONTENT_TYPE = "text/xml; charset=utf-8"

# Messages that only ask, and so may be tried out.
_ASKING = frozenset((names.PING, names.READ, names.OFFERS, names.PLANS_ASKED, names.DESCRIPTION_ASKED))
_ANSWER_ROOTS = {
    Ping: "OTA_PingRS",
    PushAvailability: "OTA_HotelAvailNotifRS",
    PushRates: "OTA_HotelRateAmountNotifRS",
    DeliverReservation: "OTA_HotelResNotifRS",
    ConfirmReservations: "OTA_NotifReportRS",
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
        return with_encoded(found, lambda: self._rewritten(data, inspection.profile))

    def explain(self, data: bytes) -> tuple[str, ...]:
        return explain(data)

    def _rewritten(self, data: bytes, profile: str) -> bytes:
        site = Site(connection="inspect", profile=profile, hotel="", currency="")
        document = _own(self.open(Head("POST", "/", {}), [data]))
        dialect = load_profile(profile)
        events = read_message(document, site, dialect)
        if anew.writes(document.root, events):
            return anew.write(document.root, events, dialect.version_attr)
        written_for = replace(site, hotel=hotel_of(events))
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
        if ours.test and ours.root not in _ASKING:
            told = 'Target="Test" is not taken: nothing here is a test system'
            raise Unsupported(told, path=f"/{ours.root}/@Target", line=1)
        return read_message(ours, site, load_profile(site.profile))

    def answer(self, document: Document, site: Site, results: Sequence[Result], now_ms: Instant) -> Reply:
        """Always HTTP 200: the message was read, whatever became of it.

        Where some of its bookings were taken it is a success, and the others are warnings.
        """
        ours = _own(document)
        profile = load_profile(site.profile)
        refusals = [result for result in results if isinstance(result, Refusal)]
        try:
            if refusals and not any(isinstance(result, Taken) for result in results):
                raise refusals[0]
            if sells(profile) and ours.root in names.SELLER_ROOTS:
                written = write_selling(ours.asked, results, now_ms, profile.version_attr)
                return _answered(written, ours, profile)
            data, more = _data(ours, results, site, profile)
            version, release = profile.version_attr, profile.release
            written = answers.confirm(ours.asked, results, now_ms, version, release, ours.notes, data, **more)
        except Refusal as refusal:
            written = answers.deny(ours.asked, refusals or [refusal], now_ms, profile.version_attr)
        return _answered(written, ours, profile)

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
        if isinstance(command, RetrieveReservations):
            return fetch.read_found(command, reply, site, profile)
        parts: dict[str, int] = {}
        if isinstance(command, PushAvailability | PushRates):
            parts = locators(command, request.parts, profile)
        elif isinstance(command, DeliverReservation):
            parts = {command.revision.booking_id: 0}
        return outcomes.read_answer(reply, _ANSWER_ROOTS[type(command)], parts, profile.warnings_skip)


# What the answer to a message has beside its Success, where that needs the message or its results.
_WRITERS: dict[str, Callable[[OtaDocument, Sequence[Result], Profile], str]] = {
    names.PROFILE_CREATE: lambda document, results, profile: profiles.write_kept(document.tree),
    names.PROFILE_MODIFY: lambda document, results, profile: profiles.write_kept(document.tree),
    names.PLANS_ASKED: lambda document, results, profile: plans.write_plans(results, profile),
    names.DESCRIPTION_ASKED: lambda document, results, profile: plans.write_descriptions(results),
}


def _own(document: Document) -> OtaDocument:
    if not isinstance(document, OtaDocument):
        raise TypeError(f"{type(document).__name__} was not opened by this connector")
    return document


def _answered(written: bytes, document: OtaDocument, profile: Profile) -> Reply:
    if document.envelope is not None:
        return _enveloped(200, written, document.envelope.version)
    return Reply(200, {"content-type": profile.content_type}, written)


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


def _data(
    document: OtaDocument, results: Sequence[Result], site: Site, profile: Profile
) -> tuple[str, dict[str, str | None]]:
    """What was asked for, as XML, with the attributes that say whether there is more."""
    if document.tree is None:
        return "", {}
    if document.root in _WRITERS:
        return _WRITERS[document.root](document, results, profile), {}
    if document.root != names.READ:
        return "", {}
    if document.asked.answer == names.PROFILE_FOUND:
        return profiles.write_found(results), {}
    written, more = retrieve.write_found(document.tree, results, site, profile, zone_of(site))
    return written, {"MoreIndicator": "true"} if more else {}


def _write(command: Command, site: Site, profile: Profile, capabilities: Capabilities) -> tuple[bytes, int]:
    if isinstance(command, PushAvailability | PushRates):
        return encode_push(command, site.hotel, profile, capabilities)
    if isinstance(command, DeliverReservation):
        return encode_delivery(command, site.hotel, profile, site.currency), 1
    if isinstance(command, RetrieveReservations):
        return fetch.write_question(command, site, profile), 1
    if isinstance(command, ConfirmReservations):
        return fetch.write_report(command, site, profile)
    if isinstance(command, Ping):
        echo = f"<EchoData>{text(command.id)}</EchoData>"
        version = profile.version_attr
        return message(names.PING, echo, token=command.id, at_ms=command.at_ms, version=version), 1
    raise Unsupported(f"{type(command).__name__} has no place here")
