"""A direct sale from its quote to its end, under one number: quote, hold and reservation are the same sale.

::

    quoted ──hold──▶ held ──confirm──▶ booked ──▶ cancelled | no_show
       │               │                 ▲
       │               └──time, release──▶ released ──(paid late, and still free)──┘
       └──confirm──▶ booked        (a quote that changes a booking ends as ``applied``)

    quoted, held ──confirm, where a plan is on request──▶ requested ──accept──▶ booked
                                                              └──decline, time, release──▶ released

A sale whose schedule wants money first is only confirmed once its payments bring it
(:mod:`gateway.flows.payments.tie_jobs`).

A quote promises prices and terms until it ends, and no rooms. A hold takes rooms from everybody until it ends, and so
does a request until the hotel has answered it. Only
``booked`` and what follows it has a reservation.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.engine.asking import Offer
from gateway.engine.nights import Nights, RoomNights, normalise
from gateway.engine.payment_schedule import Due, required
from gateway.engine.policy import penalty_of, share_of
from gateway.engine.pricing import Charge
from gateway.model.dates import Day, Instant
from gateway.model.money import format_minor
from gateway.model.reservation import Content, Guest, RoomStay, Service
from gateway.model.selling import Guarantee, Policy


class SaleState(StrEnum):
    """How far a sale has come."""

    QUOTED = "quoted"
    HELD = "held"
    REQUESTED = "requested"  # its rooms are held until the hotel has answered
    RELEASED = "released"  # the hold has ended, and its rooms are given back
    BOOKED = "booked"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    APPLIED = "applied"  # a quote that has changed another sale


HOLDING = frozenset({SaleState.HELD, SaleState.REQUESTED})


class Customer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who books, and who stays in each room where that is said; ``comments`` are for the house."""

    booker: Guest | None = None
    guests: tuple[Guest, ...] = ()
    comments: tuple[str, ...] = ()


class Sale(msgspec.Struct, frozen=True, omit_defaults=True):
    """``offers`` and ``policies`` are as they were quoted, one policy for each offer.

    ``replaces`` is the sale that a quote would change. ``takes`` is what its hold takes, where it is not ``nights``
    (:mod:`gateway.engine.linked`). ``penalty`` is what its end has cost, ``payment`` the number of
    the payment that confirmed it, and ``author`` whoever did the last step.

    ``dues`` are what it has to be paid by, ``payments`` the numbers of those begun for them, in order, and ``asked_ms``
    up to when dues were asked for by themselves (0: those of the booking, -1: none). ``means`` (sealed) is what the
    guest has left to be charged. ``given_up`` says that its rooms are gone and its money goes back, whatever comes.

    ``reference`` is the number it goes by at a seller. ``declined`` says that the hotel has not accepted a request.
    """

    offers: tuple[Offer, ...]
    policies: tuple[Policy, ...]
    currency: str
    net: bool = False
    customer: Customer = Customer()
    replaces: str = ""
    penalty: int = 0
    payment: str = ""
    author: str = ""
    dues: tuple[Due, ...] = ()
    payments: tuple[str, ...] = ()
    asked_ms: Instant = -1
    means: str = ""
    given_up: bool = False
    takes: Nights = ()
    reference: str = ""
    declined: bool = False

    @property
    def on_request(self) -> bool:
        """Whether the hotel has to accept it."""
        return any(offer.on_request for offer in self.offers)

    @property
    def arrival(self) -> Day:
        return min(offer.arrival for offer in self.offers)

    @property
    def departure(self) -> Day:
        return max(offer.departure for offer in self.offers)

    @property
    def total(self) -> int:
        return sum(offer.total for offer in self.offers)

    @property
    def due(self) -> int:
        return sum(offer.due for offer in self.offers)

    @property
    def required(self) -> int:
        """What the gateway must hold or have taken before there is a booking."""
        return required(self.dues)

    @property
    def nights(self) -> Nights:
        """The rooms it sells by night, in normal form."""
        return normalise(RoomNights(offer.room, offer.arrival, offer.departure, offer.units) for offer in self.offers)

    @property
    def held(self) -> Nights:
        """What its hold takes from the house."""
        return self.takes or self.nights


def cancellation_fee(sale: Sale, now_ms: Instant, arrival_ms: Instant) -> int:
    """What cancelling costs at this instant, in minor units."""
    return sum(
        share_of(penalty_of(policy, now_ms, arrival_ms), offer.nightly, offer.units)
        for offer, policy in zip(sale.offers, sale.policies, strict=True)
    )


def no_show_fee(sale: Sale) -> int:
    """What it costs if nobody comes."""
    return sum(
        share_of(policy.no_show, offer.nightly, offer.units)
        for offer, policy in zip(sale.offers, sale.policies, strict=True)
    )


def content_of(sale: Sale) -> Content:
    """The sale as a booking, in our own codes. Taxes on top of the prices are services of their own."""
    customer = sale.customer
    stays = tuple(_stay(offer, customer.guests if place == 0 else ()) for place, offer in enumerate(sale.offers))
    extras = [charge for offer in sale.offers for charge in offer.charges if not charge.included]
    guarantees = [offer.guarantee for offer in sale.offers if offer.guarantee is not Guarantee.NONE]
    return Content(
        currency=sale.currency,
        total=sale.total,
        net=sale.net,
        stays=stays,
        booker=customer.booker,
        services=tuple(Service(charge.code, total=charge.amount, text=charge.name) for charge in _added_up(extras)),
        comments=customer.comments,
        guarantee=guarantees[0].value if guarantees else "",
    )


def with_fee(content: Content, what: str, fee: int, currency: str) -> Content:
    """The content with a remark on what its end has cost, for the PMS to see."""
    remark = f"{what}, fee {format_minor(fee, currency)} {currency}"
    return msgspec.structs.replace(content, comments=(*content.comments, remark))


def _stay(offer: Offer, guests: tuple[Guest, ...]) -> RoomStay:
    return RoomStay(
        offer.room,
        offer.plan,
        offer.arrival,
        offer.departure,
        units=offer.units,
        adults=offer.adults,
        children=len(offer.child_ages),
        child_ages=offer.child_ages,
        nightly=offer.nightly,
        total=offer.accommodation,
        guests=guests,
        comments=(f"promotion {offer.promotion}",) if offer.promotion else (),
    )


def _added_up(charges: list[Charge]) -> list[Charge]:
    by_code: dict[str, Charge] = {}
    for charge in charges:
        known = by_code.get(charge.code)
        amount = charge.amount + (known.amount if known else 0)
        by_code[charge.code] = msgspec.structs.replace(charge, amount=amount)
    return list(by_code.values())
