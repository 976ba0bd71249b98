"""The contract, put together: three services, one connection at a time for each property (section 1)."""

from __future__ import annotations

import msgspec

from connectors.opentravel._shared.fetched import acknowledge, outcome_of
from connectors.opentravel._shared.rewrite import with_encoded
from connectors.opentravel.expedia import decode_answers, encode, encode_ari
from connectors.opentravel.expedia.decode_bookings import BOOKINGS_MAX, Reader
from connectors.opentravel.expedia.inspect import inspect_message
from connectors.opentravel.expedia.names import AR, BC, BR, Api
from connectors.opentravel.expedia.profile import load_profile
from connectors.opentravel.expedia.rewriting import write_anew
from gateway.contract import Arrived, Capabilities, Decoded, Reply, Request, Site
from gateway.contract_inspecting import Inspected, Inspection
from gateway.errors import Unsupported
from gateway.messages import (
    Command,
    ConfirmReservations,
    PushAvailability,
    PushRates,
    RetrieveReservations,
)
from gateway.wire.xml import Node

_APIS: dict[type[Command], Api] = {
    PushAvailability: AR,
    PushRates: AR,
    RetrieveReservations: BR,
    ConfirmReservations: BC,
}


class Expedia:
    """``site.url`` is the address that ``/ar``, ``/br`` and ``/bc`` are below.

    ``site.options`` may hold ``merge_plans``: true where the same plan is sold as Expedia Collect and Hotel Collect, so
    that bookings of the second kind come under the first one's id, without its suffix ``A``.
    """

    name = "expedia"

    def capabilities(self, profile: str) -> Capabilities:
        return load_profile(profile).capabilities()

    def encode(self, command: Command, site: Site) -> Request:
        capabilities = self.capabilities(site.profile)
        if type(command) not in capabilities.commands:
            raise Unsupported(f"{type(command).__name__} has no place in {site.profile}")
        if isinstance(command, PushAvailability | PushRates):
            return encode_ari.push(command, site, capabilities)
        if isinstance(command, RetrieveReservations):
            return encode.retrieve(command, site)
        if isinstance(command, ConfirmReservations):
            return encode.confirm(command, site)
        raise Unsupported(f"{type(command).__name__} has no place here")

    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        root = decode_answers.answer_of(reply, _APIS[type(command)])
        if isinstance(root, Decoded):
            return root
        if isinstance(command, PushAvailability | PushRates):
            return decode_answers.read_ari(root, command.updates[: request.parts])
        if isinstance(command, ConfirmReservations):
            return decode_answers.read_confirmation(root, command, request.parts)
        return _retrieved(root, command, site)

    def inspect(self, data: bytes, inspection: Inspection) -> Inspected:
        apis = {_APIS[kind] for kind in self.capabilities(inspection.profile).commands}
        found, root = inspect_message(data, apis, inspection)
        return with_encoded(found, lambda: write_anew(root, inspection.profile)) if inspection.reencode else found


def _retrieved(root: Node, command: Command, site: Site) -> Decoded:
    """The bookings, each with the confirmation that has to follow; our number is put in once it is known.

    Where one could not be read the outcome says so, and the others are taken nevertheless.
    """
    if refused := decode_answers.failure(decode_answers.said(root, "Error")):
        return Decoded(refused)
    merge = bool(site.options.get("merge_plans", False))
    found, refusals = Reader(site.hotel, site.currency, merge, site.cards).read(root)
    arrived = [Arrived(event, acknowledge(event, command, number)) for number, event in enumerate(found, start=1)]
    outcome = outcome_of(refusals, "booking")
    follow = None
    if len(found) + len(refusals) >= BOOKINGS_MAX and isinstance(command, RetrieveReservations) and not refusals:
        # The next ones come once these are confirmed.
        follow = msgspec.structs.replace(command, id=f"{command.id}-next")
    return Decoded(outcome, events=tuple(arrived), next=follow)
