"""Acme, an invented counterpart that speaks JSON over HTTP: a whole connector, small enough to copy.

Read ``messages`` (their documents), ``encode`` (ours to theirs) and ``decode`` (theirs to ours). This file declares
what the dialect can do and puts the functions together.
"""

from __future__ import annotations

from connectors._template.decode import BODY_BYTES_MAX, decode_reply, locate, open_document, parse, verify
from connectors._template.encode import FLAGS, GUESTS_MAX, PARTS_MAX, PLAIN, answer, encode_command, refuse
from gateway.contract import Capabilities
from gateway.errors import Unsupported
from gateway.messages import (
    AriReceived,
    ConfirmReservations,
    DeliveriesReported,
    DeliverReservation,
    Ping,
    PingReceived,
    PushAvailability,
    PushRates,
    ReservationReceived,
    ReservationsAsked,
    RetrieveReservations,
)
from gateway.model.ari import Field

CAPABILITIES = Capabilities(
    commands=frozenset(
        {Ping, PushAvailability, PushRates, DeliverReservation, RetrieveReservations, ConfirmReservations}
    ),
    events=frozenset({PingReceived, AriReceived, ReservationReceived, ReservationsAsked, DeliveriesReported}),
    fields=frozenset({*PLAIN, *FLAGS, Field.PRICE}),
    lossy={
        "content.stays.guests": "only the booker is named",
        "content.stays.nightly": "a room has one price for the whole stay",
        "content.stays.infants": "Acme counts adults and children",
        "content.stays.child_ages": "Acme counts adults and children",
        "content.stays.comments": "remarks belong to the booking",
        "content.stays.ref": "rooms have no number",
        "content.booker": "only the booker's name has a place",
        "content.card_mask": "card data stays here",
        "content.services": "there is no place for extras",
        "content.guarantee": "there is no place for a guarantee",
        "channel": "Acme is one channel",
        "created_ms": "only the last change has a time",
    },
    parts_max=PARTS_MAX,
    guests_max=GUESTS_MAX,
    body_bytes_max=BODY_BYTES_MAX,
)


class Acme:
    """Both directions of one dialect."""

    name = "template"

    def capabilities(self, profile: str) -> Capabilities:
        if profile != "template":
            raise Unsupported(f"Acme has no profile {profile!r}")
        return CAPABILITIES

    encode = staticmethod(encode_command)
    decode = staticmethod(decode_reply)

    open = staticmethod(open_document)
    locate = staticmethod(locate)
    verify = staticmethod(verify)
    parse = staticmethod(parse)
    answer = staticmethod(answer)
    refuse = staticmethod(refuse)


CONNECTOR = Acme()
