"""Reservations: lists, one with its whole history, and those that need somebody."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.engine.booking import Status
from gateway.flows.desk import deliveries, reservations
from gateway.flows.desk.reservation_lines import DeliveryLine, ReservationDetail, ReservationPage, TroublePage
from gateway.flows.desk.reservations import Filter, Order
from gateway.model.access import Action
from gateway.web.api.endpoints import Answer, Call, Endpoints, Nothing, Repeat
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import COUNT, CodeOrNone, Count, Cursor, Text, Time, day_or_none, instant_or_none

ENDPOINTS = Endpoints("Reservations", "Bookings with every revision and delivery.")


class ReservationsQuery(msgspec.Struct, frozen=True):
    status: Status | None = None
    connection: Annotated[CodeOrNone, Meta(description="taken over this connection")] = ""
    arrival_first: Annotated[date | None, Meta(description="arriving on this day or later")] = None
    arrival_last: Annotated[date | None, Meta(description="arriving on this day or earlier")] = None
    created_first: Annotated[Time | None, Meta(description="taken at this instant or later")] = None
    created_last: Annotated[Time | None, Meta(description="taken at this instant or earlier")] = None
    text: Annotated[Text, Meta(description="our number, or the beginning of theirs or of a surname")] = ""
    parked: Annotated[bool, Meta(description="only those with a room that is not mapped")] = False
    oversold: Annotated[bool, Meta(description="only those with nights that were not free")] = False
    order: Annotated[
        Order, Meta(description="`created`: newest first; `arrival`: soonest first, those without dates before them")
    ] = Order.CREATED
    cursor: Cursor = ""
    limit: Count = COUNT


class TroubleQuery(msgspec.Struct, frozen=True):
    cursor: Cursor = ""
    limit: Count = COUNT


@ENDPOINTS.add(
    "GET",
    "/properties/{property}/reservations",
    Action.READ_RESERVATIONS,
    query=ReservationsQuery,
    answer=shown_type(ReservationPage),
)
async def list_reservations(call: Call[ReservationsQuery, Nothing]) -> Answer:
    """List reservations.

    All conditions must hold. Where `partial` is true, a rare condition has looked at a part of them only: go on with
    `next`, even if `items` is empty. With a `text` it means that too many begin with it: a longer one finds the others.
    """
    query = call.query
    wanted = Filter(
        status=query.status,
        connection=query.connection,
        arrival_first=day_or_none(query.arrival_first),
        arrival_last=day_or_none(query.arrival_last),
        created_first_ms=instant_or_none(query.created_first),
        created_last_ms=instant_or_none(query.created_last),
        text=query.text,
        parked=query.parked,
        oversold=query.oversold,
    )
    page = await reservations.find(
        call.services, call.property_id, wanted, order=query.order, cursor=query.cursor, limit=query.limit
    )
    return Answer(page)


@ENDPOINTS.add(
    "GET",
    "/properties/{property}/reservations/{reservation}",
    Action.READ_RESERVATIONS,
    answer=shown_type(ReservationDetail),
)
async def show_reservation(call: Call[Nothing, Nothing]) -> Answer:
    """Show a reservation.

    By our number, with every revision as it came and every delivery.
    """
    return Answer(await reservations.show(call.services, call.property_id, call.path["reservation"]))


class Entered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``ref`` is the number it has there."""

    ref: Text = ""


@ENDPOINTS.add(
    "POST",
    "/properties/{property}/reservations/{reservation}/deliveries/{connection}/entered",
    Action.HAND_OVER,
    body=Entered,
    answer=shown_type(DeliveryLine),
    repeat=Repeat.CLAIMED,
)
async def enter_delivery(call: Call[Nothing, Entered]) -> Answer:
    """Say that a refused reservation was entered by hand.

    From then on it counts as confirmed by that connection, whose figures may contain it. Only what was refused there
    can be entered: the rest is sent by itself.
    """
    return Answer(
        await deliveries.entered_by_hand(
            call.services,
            call.property_id,
            call.path["reservation"],
            call.connection,
            call.principal.author,
            ref=call.body.ref,
        )
    )


@ENDPOINTS.add(
    "POST",
    "/properties/{property}/reservations/{reservation}/deliveries/{connection}/resend",
    Action.HAND_OVER,
    answer=shown_type(DeliveryLine),
    repeat=Repeat.CLAIMED,
)
async def resend_delivery(call: Call[Nothing, Nothing]) -> Answer:
    """Send a reservation again.

    In its state of now, and under the number it had, so a counterpart that holds it takes it for a repetition.
    """
    return Answer(
        await deliveries.resend(
            call.services, call.property_id, call.path["reservation"], call.connection, call.principal.author
        )
    )


@ENDPOINTS.add(
    "GET",
    "/properties/{property}/trouble",
    Action.READ_RESERVATIONS,
    query=TroubleQuery,
    answer=shown_type(TroublePage),
)
async def list_trouble(call: Call[TroubleQuery, Nothing]) -> Answer:
    """List reservations that need somebody.

    Those with a room that is not mapped, or with nights that were not free; the oldest first.
    """
    query = call.query
    return Answer(await reservations.trouble(call.services, call.property_id, cursor=query.cursor, limit=query.limit))
