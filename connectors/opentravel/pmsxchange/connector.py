"""The messages of pmsXchange v2 (sheet, section 2), and its description for whoever asks with ``?wsdl``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from connectors.opentravel._shared import names
from connectors.opentravel._shared.decode_reservation import Reader
from connectors.opentravel._shared.envelope import message
from connectors.opentravel._shared.names import content, first
from connectors.opentravel._shared.notif_report import by_message, read_report
from connectors.opentravel._shared.siteminder import SiteMinder
from connectors.opentravel._shared.siteminder_ari import read_ari
from connectors.opentravel._shared.siteminder_profile import SiteMinderOptions, SiteMinderProfile
from connectors.opentravel._shared.siteminder_reservation import BOOK_STATUS, booked_through, write_reservation
from connectors.opentravel._shared.soap_document import SoapDocument
from connectors.opentravel.pmsxchange import pull, push
from gateway.contract import Document, Head, Reply, Site
from gateway.errors import Reason, Refusal, Rejected, Unsupported
from gateway.messages import Applied, DeliverReservation, Event, PingReceived, Query, Result
from gateway.model.dates import Instant
from gateway.model.reservation import RevisionKind
from gateway.wire.xmlwrite import text

_WSDL = "pmsxchange.wsdl"
_ADDRESS = "{address}"
_ROOT_STATUS = {RevisionKind.NEW: "Commit", RevisionKind.MODIFY: "Modify", RevisionKind.CANCEL: "Cancel"}


class PmsXchange(SiteMinder):
    """``site.options`` may hold ``requestor_id``, the PMS code, and ``timezone`` of times sent without one."""

    name = "pmsxchange"
    roots = frozenset((names.PING, names.AVAIL, names.RATES, names.READ, names.NOTIF_REPORT, names.RES))
    reasons = "reasons_pmsxchange"

    def describe(self, head: Head, url: str) -> Reply | None:
        """Our own WSDL with our address in it, for ``?wsdl``; there is nothing else to get."""
        if head.query.lower() != "wsdl":
            return None
        body = _description().replace(_ADDRESS, text(url).replace('"', "&quot;"))
        return Reply(200, {"content-type": "text/xml; charset=utf-8"}, body.encode())

    def answer(self, document: Document, site: Site, results: Sequence[Result], now_ms: Instant) -> Reply:
        """A report on a reservation that was never handed out is an error, 385 (sheet, section 2.5).

        What else was reported has been taken, and taking it again changes nothing.
        """
        if document.root == names.NOTIF_REPORT:
            told = [warning for result in results if isinstance(result, Applied) for warning in result.warnings]
            unknown = [Rejected(warning, Reason.BOOKING_REFERENCE) for warning in told]
            results = [*(result for result in results if isinstance(result, Refusal)), *unknown] or results
        return super().answer(document, site, results, now_ms)

    def _read(self, document: SoapDocument, site: Site, profile: SiteMinderProfile) -> Sequence[Event | Query]:
        root = document.envelope.payload
        if document.root == names.PING:
            return [PingReceived(content(first(root, "EchoData")))]
        if document.root == names.READ:
            return pull.read_questions(root, site.hotel)
        if document.root == names.NOTIF_REPORT:
            return [read_report(root, site.hotel, by_message)]
        if document.root == names.RES:
            zone = SiteMinderOptions.inbound(site).timezone
            return Reader(site.hotel, site.currency, zone, site.cards).read(root)
        return [read_ari(root, document.asked, profile, site.currency)]

    def _data(self, document: SoapDocument, site: Site, results: Sequence[Result]) -> str:
        root = document.envelope.payload
        if document.root == names.READ:
            return pull.write_found(root, results, site)
        return push.write_taken(root, results) if document.root == names.RES else ""

    def _deliver(self, command: DeliverReservation, site: Site, profile: SiteMinderProfile) -> bytes:
        kind = command.revision.kind
        if kind not in BOOK_STATUS:
            raise Unsupported(f"a revision of kind {kind.value} is not delivered")
        requestor = SiteMinderOptions.outbound(site).requestor_id
        through = booked_through(requestor, command.source)
        reservation = write_reservation(command, site.hotel, site.currency, through, BOOK_STATUS[kind])
        return message(
            names.RES,
            f"{booked_through(requestor, '')}<HotelReservations>{reservation}</HotelReservations>",
            token=command.id,
            at_ms=command.at_ms,
            version=profile.version_attr,
            ResStatus=_ROOT_STATUS[kind],
        )


@cache
def _description() -> str:
    return files(__package__).joinpath(_WSDL).read_text(encoding="utf-8")
