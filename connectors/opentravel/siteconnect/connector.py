"""The messages of SiteConnect (sheet, section 3).

Who plays the channel follows from the connection's role. To a channel we push ARI, and take its reservations; where a
channel manager feeds us, we take ARI and hand it our reservations. The messages are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from connectors.opentravel._shared import names
from connectors.opentravel._shared.decode_reservation import Reader
from connectors.opentravel._shared.envelope import message
from connectors.opentravel._shared.names import value
from connectors.opentravel._shared.siteminder import SiteMinder
from connectors.opentravel._shared.siteminder_ari import read_ari
from connectors.opentravel._shared.siteminder_profile import SiteMinderOptions, SiteMinderProfile
from connectors.opentravel._shared.siteminder_reservation import booked_through, write_reservation
from connectors.opentravel._shared.soap_document import SoapDocument
from connectors.opentravel.siteconnect.limits import lowest
from gateway.contract import Site
from gateway.errors import Malformed, Reason, Unsupported
from gateway.messages import DeliverReservation, Event, Query, Result
from gateway.model.reservation import RevisionKind

_STATUS = {RevisionKind.NEW: "Commit", RevisionKind.MODIFY: "Modify", RevisionKind.CANCEL: "Cancel"}


class SiteConnect(SiteMinder):
    """``site.options`` may hold ``requestor_id``, the channel's code, and ``timezone`` of times sent without one."""

    name = "siteconnect"
    roots = frozenset((names.AVAIL, names.RATES, names.RES))
    reasons = "reasons_siteconnect"

    def _read(self, document: SoapDocument, site: Site, profile: SiteMinderProfile) -> Sequence[Event | Query]:
        root = document.envelope.payload
        if document.root != names.RES:
            event = read_ari(root, document.asked, profile, site.currency)
            return [msgspec.structs.replace(event, updates=event.updates + lowest(event.updates))]
        if value(root, "ResStatus") not in _STATUS.values():
            told = "ResStatus is Commit, Modify or Cancel"
            raise Malformed(told, Reason.INVALID_VALUE, path=f"/{names.RES}/@ResStatus", line=root.sourceline)
        zone = SiteMinderOptions.inbound(site).timezone
        return Reader(site.hotel, site.currency, zone, site.cards).read(root)

    def _data(self, document: SoapDocument, site: Site, results: Sequence[Result]) -> str:
        """Success says it all (sheet, section 3.4)."""
        return ""

    def _deliver(self, command: DeliverReservation, site: Site, profile: SiteMinderProfile) -> bytes:
        kind = command.revision.kind
        if kind not in _STATUS:
            raise Unsupported(f"a revision of kind {kind.value} is not delivered")
        reservation = write_reservation(command, site.hotel, site.currency, "", "")
        pos = booked_through(SiteMinderOptions.outbound(site).requestor_id, command.source)
        return message(
            names.RES,
            f"{pos}<HotelReservations>{reservation}</HotelReservations>",
            token=command.id,
            at_ms=command.at_ms,
            version=profile.version_attr,
            ResStatus=_STATUS[kind],
        )
