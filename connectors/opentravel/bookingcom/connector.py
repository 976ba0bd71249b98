"""The contract, put together: two addresses for ARI, and two queues that are read and acknowledged in turn."""

from __future__ import annotations

import msgspec

from connectors.opentravel._shared import outcomes
from connectors.opentravel._shared.decode_reservation import Reader
from connectors.opentravel._shared.encode_ari import locators
from connectors.opentravel._shared.explain import explain
from connectors.opentravel._shared.fetched import acknowledge, outcome_of
from connectors.opentravel._shared.names import AVAIL, RATES, RES, RES_MODIFY
from connectors.opentravel._shared.profile import load_profile
from connectors.opentravel.bookingcom import encode
from connectors.opentravel.bookingcom.decode import in_our_words
from gateway.contract import Arrived, Capabilities, Decoded, Reply, Request, Site
from gateway.errors import OutcomeUnknown, Unsupported
from gateway.messages import (
    Command,
    ConfirmReservations,
    PushAvailability,
    PushRates,
    RetrieveReservations,
)
from gateway.wire.xml import name_of


class BookingCom:
    """``site.url`` is the address ``/ota/…`` is below (``https://supply-xml.booking.com/hotels``).

    ``site.options`` may hold ``reservations_url``, the same on the host for reservations, and ``timezone``, the IANA
    zone of times sent without one (default UTC).
    """

    name = "bookingcom"

    def capabilities(self, profile: str) -> Capabilities:
        return load_profile(profile).capabilities()

    def explain(self, data: bytes) -> tuple[str, ...]:
        return explain(data)

    def encode(self, command: Command, site: Site) -> Request:
        profile = load_profile(site.profile)
        capabilities = profile.capabilities()
        if type(command) not in capabilities.commands:
            raise Unsupported(f"{type(command).__name__} has no place in {site.profile}")
        if isinstance(command, RetrieveReservations):
            return encode.retrieve(command, site, profile)
        if isinstance(command, ConfirmReservations):
            return encode.confirm(command, site, profile)
        if isinstance(command, PushAvailability | PushRates):
            body, parts = encode.push(command, site, profile, capabilities)
            url = encode.address(site.url, RATES if isinstance(command, PushRates) else AVAIL)
            return Request("POST", url, encode.headers(site, profile), body, parts)
        raise Unsupported(f"{type(command).__name__} has no place here")

    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        if isinstance(command, PushAvailability | PushRates):
            profile = load_profile(site.profile)
            expected = "OTA_HotelRateAmountNotifRS" if isinstance(command, PushRates) else "OTA_HotelAvailNotifRS"
            parts = locators(command, request.parts, profile)
            return outcomes.read_answer(reply, expected, parts, profile.warnings_skip)
        if isinstance(command, ConfirmReservations):
            return _acknowledged(command, request, reply)
        assert isinstance(command, RetrieveReservations)
        return _retrieved(command, reply, site)


def _acknowledged(command: ConfirmReservations, request: Request, reply: Reply) -> Decoded:
    """Which RS comes back is not said; Success in any of them is meant."""
    if closed := outcomes.refused_by_http(reply):
        return Decoded(closed)
    root = outcomes.readable(reply)
    name = name_of(root)
    if not (name.startswith("OTA_") and name.endswith("RS")):
        raise OutcomeUnknown(f"the answer is {name[:60]}")
    parts = {one.booking_id: part for part, one in enumerate(command.confirmations[: request.parts])}
    return outcomes.judge(root, name, parts, warnings_skip=True)


def _retrieved(command: RetrieveReservations, reply: Reply, site: Site) -> Decoded:
    """The reservations of one queue, each with its acknowledgement; the other queue comes next."""
    if closed := outcomes.refused_by_http(reply):
        return Decoded(closed)
    root = outcomes.readable(reply)
    expected = RES_MODIFY if command.cursor == encode.MODIFIED else RES
    if name_of(root) != expected:
        # Errors in place of reservations; anything else says nothing, and raises.
        return outcomes.judge(root, "", {}, warnings_skip=False)
    zone = str(site.options.get("timezone", "UTC"))
    found, refusals = Reader(site.hotel, site.currency, zone, site.cards).read_each(in_our_words(root))
    arrived = tuple(Arrived(event, acknowledge(event, command, n)) for n, event in enumerate(found, start=1))
    outcome = outcome_of(refusals, "reservation")
    follow = None
    if expected == RES:
        follow = msgspec.structs.replace(command, id=f"{command.id}-{encode.MODIFIED}", cursor=encode.MODIFIED)
    return Decoded(outcome, events=arrived, next=follow)
