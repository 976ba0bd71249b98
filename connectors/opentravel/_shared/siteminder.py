"""What SiteMinder's two SOAP dialects share: envelope, login, answers and calls. Each adds its messages.

Sheet, section 1: application errors are HTTP 200 with Errors in the RS of the message; faults are for what could not
be read, and for a server that has a problem.
"""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import msgspec

from connectors.opentravel._shared import names, sender, siteminder_answers
from connectors.opentravel._shared.answers import OUR_SOURCE
from connectors.opentravel._shared.encode_ari import encode_push
from connectors.opentravel._shared.envelope import message
from connectors.opentravel._shared.explain import explain
from connectors.opentravel._shared.names import every, is_ours, value
from connectors.opentravel._shared.rewrite import hotel_of, rewrite, with_encoded
from connectors.opentravel._shared.siteminder_profile import (
    SiteMinderOptions,
    SiteMinderProfile,
    load_siteminder,
)
from connectors.opentravel._shared.siteminder_reservation import booked_through
from connectors.opentravel._shared.siteminder_shape import check_other, check_requestor, check_shape
from connectors.opentravel._shared.soap_document import SoapDocument, asked_in, open_envelope, token_in
from connectors.opentravel._shared.soap_outcomes import read_soap_answer
from gateway.contract import Capabilities, Decoded, Document, Head, Reply, Request, Site
from gateway.contract_inspecting import Inspected, Inspection
from gateway.errors import Reason, Refusal, Unauthentic, Unsupported
from gateway.messages import (
    Command,
    DeliverReservation,
    Event,
    Ping,
    PushAvailability,
    PushRates,
    Query,
    Result,
)
from gateway.model.ari import ASPECT_OF, AriUpdate
from gateway.model.dates import Instant
from gateway.wire import soap
from gateway.wire.soap import Envelope, FaultCode, Version
from gateway.wire.wsse import write_token
from gateway.wire.xml import Limits, name_of, read_tree
from gateway.wire.xmlwrite import text

BODY_BYTES_MAX = 8 * 1024 * 1024
_VERSION = "1.0"
# Messages whose schema has no place for the sender.
_UNSIGNED = frozenset((names.PING, names.NOTIF_REPORT))
_OPERATIONS: Mapping[type[Command], str] = {
    Ping: names.PING,
    PushAvailability: names.AVAIL,
    PushRates: names.RATES,
    DeliverReservation: names.RES,
}


class SiteMinder(ABC):
    """``roots`` are the messages taken; ``reasons`` the code table where no profile is known yet."""

    name: str
    roots: ClassVar[frozenset[str]]
    reasons: ClassVar[str]

    def capabilities(self, profile: str) -> Capabilities:
        return load_siteminder(profile).capabilities()

    def explain(self, data: bytes) -> tuple[str, ...]:
        return explain(data)

    @abstractmethod
    def _read(self, document: SoapDocument, site: Site, profile: SiteMinderProfile) -> Sequence[Event | Query]: ...

    @abstractmethod
    def _data(self, document: SoapDocument, site: Site, results: Sequence[Result]) -> str:
        """What stands after Success, as XML."""

    @abstractmethod
    def _deliver(self, command: DeliverReservation, site: Site, profile: SiteMinderProfile) -> bytes: ...

    # --- they call us -------------------------------------------------------------------------------------------------

    def open(self, head: Head, chunks: Iterable[bytes]) -> Document:
        return open_envelope(head, chunks, BODY_BYTES_MAX, self.roots)

    def locate(self, document: Document) -> str:
        """The PMS or channel code, which the path repeats."""
        return next(iter(_requestors(_own(document))), "")

    def verify(self, document: Document, site: Site, now_ms: Instant) -> None:
        ours = _own(document)
        sender.verify(token_in(ours.envelope), site)
        claimed = _requestors(ours)
        if not load_siteminder(site.profile).requestor_checked or (ours.root in _UNSIGNED and not claimed):
            return
        expected = SiteMinderOptions.inbound(site).requestor_id.encode()
        if not claimed or not all(hmac.compare_digest(one.encode(), expected) for one in claimed):
            raise Unauthentic("RequestorID is not the account's")

    def parse(self, document: Document, site: Site) -> Sequence[Event | Query]:
        return self._understand(_own(document), site, load_siteminder(site.profile))[0]

    def _understand(
        self, document: SoapDocument, site: Site, profile: SiteMinderProfile
    ) -> tuple[Sequence[Event | Query], tuple[str, ...]]:
        """What the message says, and what is wrong with it that is forgiven."""
        root = document.envelope.payload
        # The older of the two schemas lacks this message.
        warnings = check_shape(root, "siteconnect" if document.root == names.RES else profile.shape)
        if profile.requestor_checked and document.root not in _UNSIGNED:
            check_requestor(root)
        return self._read(document, site, profile), warnings

    def answer(self, document: Document, site: Site, results: Sequence[Result], now_ms: Instant) -> Reply:
        ours = _own(document)
        refusals = [result for result in results if isinstance(result, Refusal)]
        if refusals:
            return self._denied(ours, refusals, now_ms)
        data = self._data(ours, site, results)
        return _reply(ours.envelope.version, siteminder_answers.succeed(ours.asked, results, data, now_ms, _VERSION))

    def refuse(self, document: Document | None, error: Refusal, now_ms: Instant) -> Reply:
        if document is not None and error.reason is not Reason.UNAVAILABLE:
            return self._denied(_own(document), [error], now_ms)
        version, code = soap.fault_of(error)
        if document is not None:
            version = _own(document).envelope.version
        detail = siteminder_answers.deny_unread(error, self.reasons, now_ms, _VERSION)
        told = "the service is not available now" if code is FaultCode.RECEIVER else "the message could not be read"
        fault = soap.write_fault(version, code, told, detail)
        return Reply(soap.fault_status(version, code), {"content-type": version.content_type}, fault)

    def _denied(self, document: SoapDocument, refusals: Sequence[Refusal], now_ms: Instant) -> Reply:
        written = siteminder_answers.deny(document.asked, refusals, self.reasons, now_ms, _VERSION)
        return _reply(document.envelope.version, written)

    # --- a message by itself ------------------------------------------------------------------------------------------

    def inspect(self, data: bytes, inspection: Inspection) -> Inspected:
        """In its envelope or bare. An amount that names no currency is taken for one in euros.

        Of what is only ever answered, or asked by us, the shape is checked.
        """
        profile = load_siteminder(inspection.profile)
        root = read_tree(data, Limits(bytes_max=BODY_BYTES_MAX))
        envelope = soap.unwrap(root) if name_of(root) == "Envelope" else Envelope(Version.V11, None, root)
        name = name_of(envelope.payload)
        if name not in self.roots and (answered := check_other(envelope.payload, profile.shape)) is not None:
            return Inspected(name, answered)
        if name not in self.roots or not is_ours(envelope.payload):
            told = f"there is no message {soap.quoted(envelope.payload)} in this dialect"
            raise Unsupported(told, path=f"/{name}", line=envelope.payload.sourceline)
        document = SoapDocument(name, b"", asked_in(envelope), envelope)
        site = Site("inspection", inspection.profile, "", "EUR")
        found, warnings = self._understand(document, site, profile)
        accepted = Inspected(name, warnings)
        if not inspection.reencode:
            return accepted
        sender_of = next(iter(_requestors(document)), "") or OUR_SOURCE
        written_for = msgspec.structs.replace(site, hotel=hotel_of(found), username=sender_of)
        return with_encoded(accepted, lambda: rewrite(name, found, lambda it: self._anew(it, written_for, profile)))

    def _anew(self, command: Command, site: Site, profile: SiteMinderProfile) -> tuple[bytes, int]:
        """All updates in one message, and the fields that may come in, since that is what was read."""
        capabilities = profile.capabilities()
        if isinstance(command, PushAvailability | PushRates):
            # What was worked out for a room type from what was said of its plans is not said again.
            per_plan = profile.limit_level == "room_rate"
            updates = [update for update in command.updates if update.plan or not per_plan]
            limits = msgspec.structs.replace(capabilities, fields=profile.reads, parts_max=len(updates))
            pos = booked_through(site.username, "") if profile.requestor_checked else ""
            written, _ = encode_push(_with(command, updates), site.hotel, profile, limits, pos)
            return written, len(command.updates)
        if type(command) not in capabilities.commands:
            raise Unsupported("such a message is only taken, never sent")
        return self._write(command, site, profile, capabilities)

    # --- we call them -------------------------------------------------------------------------------------------------

    def encode(self, command: Command, site: Site) -> Request:
        profile = load_siteminder(site.profile)
        capabilities = profile.capabilities()
        if type(command) not in capabilities.commands:
            raise Unsupported(f"{type(command).__name__} has no place in {site.profile}")
        body, parts = self._write(command, site, profile, capabilities)
        operation = _OPERATIONS[type(command)].removeprefix("OTA_")
        headers = {**Version.V11.headers(profile.action + operation), "accept": "text/xml"}
        enveloped = soap.wrap(body, Version.V11, write_token(site.username, site.password))
        return Request("POST", site.url, headers, enveloped, parts)

    def _write(
        self, command: Command, site: Site, profile: SiteMinderProfile, capabilities: Capabilities
    ) -> tuple[bytes, int]:
        pos = booked_through(SiteMinderOptions.outbound(site).requestor_id, "")
        if isinstance(command, DeliverReservation):
            return self._deliver(command, site, profile), 1
        if isinstance(command, PushAvailability | PushRates):
            alike = _alike(command.updates[: capabilities.parts_max])
            return encode_push(_with(command, alike), site.hotel, profile, capabilities, pos)
        content = f"<EchoData>{text(command.id)}</EchoData>"
        return message(names.PING, content, token=command.id, at_ms=command.at_ms, version=_VERSION), 1

    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        """A message is taken completely or not at all, and its answer names no parts."""
        expected = _OPERATIONS[type(command)].removesuffix("RQ") + "RS"
        return read_soap_answer(reply, expected, {})


def _own(document: Document) -> SoapDocument:
    if not isinstance(document, SoapDocument):
        raise TypeError(f"{type(document).__name__} was not opened by this connector")
    return document


def _requestors(document: SoapDocument) -> list[str]:
    sources = every(document.envelope.payload, "POS", "Source")
    return [value(node, "ID") for source in sources for node in every(source, "RequestorID")]


def _reply(version: Version, written: bytes) -> Reply:
    return Reply(200, {"content-type": version.content_type}, soap.wrap(written, version))


def _with(command: PushAvailability | PushRates, updates: Sequence[AriUpdate]) -> PushAvailability | PushRates:
    return type(command)(id=command.id, at_ms=command.at_ms, updates=tuple(updates))


def _alike(updates: Sequence[AriUpdate]) -> Sequence[AriUpdate]:
    """The leading updates of one product and kind.

    Availability and restrictions go in requests of their own (sheet, section 2.1), and since a refusal concerns the
    whole message, it must not hold up other products.
    """
    for index, update in enumerate(updates):
        if not update.room:
            raise Unsupported("a message for every room type has no place in this dialect")
        if _kind(update) != _kind(updates[0]):
            return updates[:index]
    return updates


def _kind(update: AriUpdate) -> tuple[object, ...]:
    aspects = {ASPECT_OF[setting.field] for setting in update.settings}
    if len(aspects) > 1:
        raise Unsupported("availability and restrictions are sent in requests of their own")
    return update.room, update.plan, aspects.pop() if aspects else None
