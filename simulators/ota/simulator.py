"""The sales channel as one object: what it receives, what it can be told to do, what it shows."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from simulators.cells import DAY_MAX, Cells
from simulators.config import OtaConfig, OtaOptions, SellPlan, vocabulary
from simulators.desk import Refusal, Simulator
from simulators.endpoint import Clock, Decision, Reply
from simulators.opentravel import answers, xml
from simulators.opentravel.answers import Problem
from simulators.opentravel.avail_read import read_avail
from simulators.opentravel.days import day_of, stamp, to_day
from simulators.opentravel.items import Item as Part
from simulators.opentravel.items import LimitChange
from simulators.opentravel.rates_read import read_rates
from simulators.opentravel.res_write import reservation_message
from simulators.ota.bookings import Booking
from simulators.ota.requests import CancelRequest, ResendRequest, StayRequest, book_request, change_request
from simulators.ota.sales import Sales
from simulators.ota.sellable import nightly_prices, refusals
from simulators.ota.seller import Seller
from simulators.outbox import Item


class OtaSimulator(Simulator):
    """Pure state and decisions; see simulators.desk for how it is driven."""

    def __init__(self, config: OtaConfig, clock: Clock) -> None:
        super().__init__(config.login, config.retry, clock, config.seed)
        self.config, self.names, self.options = config, vocabulary(config), config.options
        self.cells = Cells()
        self.sales = Sales(self.cells, self.outbox, clock, config.name, config.options.booking_prefix)
        self.seller = Seller(self.sales, [(room.code, plan) for room in config.rooms for plan in room.plans])
        self.refused_products: set[tuple[str, str]] = set()
        self._use_options(config.options)
        self.seller.start(config.sell, clock())
        self.handlers |= {"OTA_HotelAvailNotifRQ": self._avail, "OTA_HotelRateAmountNotifRQ": self._rates}
        self.controls |= {
            "book": lambda body: _booking_line(self.sales.book(book_request(body))),
            "modify": self._control_modify,
            "cancel": lambda body: _booking_line(self.sales.cancel(msgspec.convert(body, CancelRequest))),
            "resend": lambda body: _booking_line(self.sales.resend(msgspec.convert(body, ResendRequest))),
            "refuse": self._control_refuse,
            "options": self._control_options,
            "sell": self._control_sell,
        }
        self.views |= {
            "state": self._view_state,
            "bookings": self._view_bookings,
            "sellable": self._view_sellable,
            "control/sell": lambda _: self.seller.view(),
        }

    def sellable(self, stay: StayRequest) -> list[str]:
        """The checks of the stored state the stay fails; empty when it may be sold now."""
        return refusals(self.cells, stay.stay(), self.clock())

    def advance(self, now: float) -> None:
        super().advance(now)
        if self.seller.advance(now):
            self.changed()

    def build(self, item: Item, now: float) -> bytes:
        sent = self.sales.bookings.by_id[str(item.about["booking_id"])].history[int(str(item.about["index"]))]
        # Each attempt has an EchoToken of its own: it names the transmission, not the booking.
        return reservation_message(sent.revision, self.names, f"{item.key}.{item.attempts + 1}", stamp(now))

    def settle(self, item: Item, reply: Reply | None, why: str, now: float) -> None:
        self.sales.settle(item, reply, why, now)

    def snapshot(self) -> bytes:
        bookings = list(self.sales.bookings.by_id.values())
        saved = {"cells": self.cells.view(), "bookings": bookings, "outbox": self.outbox.waiting()}
        return msgspec.json.encode(saved)

    def restore(self, saved: bytes) -> None:
        found = msgspec.json.decode(saved)
        self.cells.load(found["cells"])
        bookings = msgspec.convert(found["bookings"], list[Booking])
        self.sales.bookings.by_id = {booking.booking_id: booking for booking in bookings}
        self.outbox.restore(msgspec.convert(found["outbox"], list[Item]))

    def _avail(self, root: xml.Node) -> Decision:
        today = day_of(self.clock())
        return self._take(root, "AvailStatusMessages", read_avail(root, self.names, today))

    def _rates(self, root: xml.Node) -> Decision:
        today, replaces = day_of(self.clock()), self.options.overlay_replaces
        return self._take(root, "RateAmountMessages", read_rates(root, self.names, today, replaces))

    def _take(self, root: xml.Node, holder: str, found: Iterable[Part]) -> Decision:
        """Apply all parts or none; with `partial`, the good ones, and a Warning for each of the others."""
        problem = self._hotel_problem(xml.child(root, holder))
        if problem is not None:
            return self.refuse(root, [problem])
        problems: list[Problem] = []
        taken: list[Part] = []
        for part in found:
            why = part.problems or self._unwanted(part)
            problems += why
            taken += [] if why else [part]
        if not problems and not taken:
            problems = [Problem(answers.FIELD_MISSING, answers.MISSING, f"{holder} is empty")]
            return self.refuse(root, problems)
        if problems and not self.options.partial:
            return self.refuse(root, problems)
        for part in taken:
            for change in part.changes:
                self.cells.apply(change)
        echo = xml.attr(root, "EchoToken")
        answer = answers.success(xml.name(root), echo, stamp(self.clock()), problems)
        return Decision(xml.to_bytes(answer), bool(taken))

    def _hotel_problem(self, holder: xml.Node | None) -> Problem | None:
        hotel = xml.attr(holder, "HotelCode")
        if hotel is None:
            if not self.options.hotel_code_required:
                return None
            return Problem(answers.FIELD_MISSING, answers.MISSING, "HotelCode is required")
        if hotel != self.names.hotel:
            return Problem(answers.PROCESSING, answers.HOTEL_CODE, f"Hotel {hotel} is unknown")
        return None

    def _unwanted(self, part: Part) -> list[Problem]:
        """A product set to be refused by `/control/refuse` fails though its content is right."""
        for change in part.changes:
            plan = "" if isinstance(change, LimitChange) else change.plan
            if (change.room, plan) in self.refused_products:
                text = f"{change.room} {plan} is not loaded"
                return [Problem(answers.BUSINESS_RULE, answers.UNABLE, text, part.record_id)]
        return []

    def _use_options(self, options: OtaOptions) -> None:
        self.options = options
        self.names = msgspec.structs.replace(self.names, los=options.los)
        self.sales.counts_down, self.sales.in_order = options.counts_down, options.in_order

    def _control_modify(self, body: dict[str, Any]) -> object:
        booking = self.sales.bookings.by_id.get(str(body.get("booking_id")))
        if booking is None:
            raise Refusal(f"{body.get('booking_id')} is unknown")
        return _booking_line(self.sales.modify(change_request(body, booking.latest.stays)))

    def _control_refuse(self, body: dict[str, Any]) -> object:
        """`{"products": [[room, plan], …]}`; plan "" refuses the room's limits. Replaces the list before."""
        self.refused_products = msgspec.convert(body["products"], set[tuple[str, str]])
        return {"products": sorted(self.refused_products)}

    def _control_options(self, body: dict[str, Any]) -> object:
        self._use_options(msgspec.convert(msgspec.to_builtins(self.options) | body, OtaOptions))
        return self.options

    def _control_sell(self, body: dict[str, Any]) -> object:
        self.seller.start(msgspec.convert(body, SellPlan), self.clock())
        return self.seller.view()

    def _view_state(self, query: Mapping[str, str]) -> object:
        first = to_day(query["from"]) if "from" in query else 1
        last = to_day(query["to"]) if "to" in query else DAY_MAX
        return self.cells.view(first, last) | {"digest": self.cells.digest(first, last)}

    def _view_bookings(self, query: Mapping[str, str]) -> object:
        bookings = self.sales.bookings.by_id.values()
        wanted = query.get("state")
        return [_booking_line(one) for one in bookings if wanted is None or _delivery(one) == wanted]

    def _view_sellable(self, query: Mapping[str, str]) -> object:
        stay = msgspec.convert(dict(query), StayRequest, strict=False)
        prices = nightly_prices(self.cells, stay.stay())
        failed = self.sellable(stay)
        return {"sellable": not failed, "refusals": failed, "nightly": prices}


def _delivery(booking: Booking) -> str:
    """`acknowledged` when every revision is, `gave_up` when one was given up, else `pending`."""
    states = {sent.ack.state for sent in booking.history}
    return "gave_up" if "gave_up" in states else "acknowledged" if states == {"acknowledged"} else "pending"


def _booking_line(booking: Booking) -> dict[str, object]:
    return {
        "booking_id": booking.booking_id,
        "status": booking.latest.kind,
        "delivery": _delivery(booking),
        "history": msgspec.to_builtins(booking.history),
    }
