"""What a flow would answer a seller, for connectors to write."""

from __future__ import annotations

from gateway.messages import OffersAsked, OffersFound, SaleAsked, Sold
from gateway.messages_selling import Extra, Offered
from gateway.model.reservation import RoomStay
from gateway.testing.subject import NOW_MS, Subject


def offers_found(subject: Subject, asked: OffersAsked) -> OffersFound:
    """One offer for each stay, the second of them never free to cancel."""
    extras = (Extra("VAT", "Value <added> tax", 2_191, True), Extra("CITY", "", 300, False))
    offers = tuple(
        Offered(
            stay.ref,
            RoomStay(
                subject.rooms[0],
                subject.plans[0],
                stay.arrival,
                stay.departure,
                units=stay.units,
                adults=stay.adults * stay.units,
                nightly=(12_050,) * (stay.departure - stay.arrival),
                total=12_050 * (stay.departure - stay.arrival),
            ),
            12_350 * (stay.departure - stay.arrival),
            extras,
            left=3,
            free_until_ms=0 if place else NOW_MS,
            guarantee="prepaid" if place else "",
        )
        for place, stay in enumerate(asked.stays)
    )
    return OffersFound(asked.hotel, subject.site.currency, False, offers)


def sold(subject: Subject, asked: SaleAsked) -> Sold:
    """The step was taken."""
    revision = asked.revision
    number = revision.booking_id or "B-1"
    stays = revision.content.stays
    return Sold(asked.hotel, asked.step, number, "R-2001", subject.site.currency, False, stays, 24_700, 12_050, NOW_MS)
