"""The PMS as one object: what it receives, what it can be told to do, what it shows."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from simulators.cells import Cells
from simulators.config import PmsConfig, PmsOptions, vocabulary
from simulators.desk import Refusal, Simulator
from simulators.endpoint import Clock, Decision, Reply
from simulators.opentravel import answers, xml
from simulators.opentravel.answers import Problem
from simulators.opentravel.days import Span, day_of, stamp, to_day, to_text
from simulators.opentravel.items import PriceChange, RuleChange
from simulators.opentravel.money import minor_units
from simulators.opentravel.res_answer import Confirmed, confirm
from simulators.opentravel.res_read import Received, read_reservations
from simulators.outbox import Item
from simulators.pms.figures import Scope
from simulators.pms.house import Block, House, Pending, Reservation
from simulators.pms.publisher import Publisher
from simulators.pms.requests import (
    BlockRequest,
    FigureRequest,
    PriceRequest,
    PublishRequest,
    UnblockRequest,
    restrict_request,
    span_of,
)


class PmsSimulator(Simulator):
    """Pure state and decisions; see simulators.desk for how it is driven."""

    def __init__(self, config: PmsConfig, clock: Clock) -> None:
        super().__init__(config.login, config.retry, clock, config.seed)
        self.config, self.names, self.options = config, vocabulary(config), config.options
        self.house = House({room.code: room.units for room in config.rooms})
        self.cells = Cells()
        self.publisher = Publisher(self.house, self.cells, self.names, self.outbox, clock)
        self.publisher.options = config.options
        self._first_prices()
        self.handlers |= {"OTA_HotelResNotifRQ": self._reservations}
        self.controls |= {
            "publish": lambda body: {"queued": self.publisher.publish(msgspec.convert(body, PublishRequest))},
            "price": self._control_price,
            "restrict": self._control_restrict,
            "block": self._control_block,
            "unblock": self._control_unblock,
            # Every accepted revision takes effect now, however late it was meant to be.
            "apply": lambda _: {"applied": self._apply(None)},
            "compute_figure": lambda body: self.publisher.compute(msgspec.convert(body, FigureRequest)),
            "release_figure": lambda body: self.publisher.release(str(body.get("figure_id"))),
            "options": self._control_options,
        }
        self.views |= {
            "state": self._view_state,
            "reservations": lambda _: list(self.house.reservations.values()),
            "published": lambda _: list(self.publisher.ended),
        }

    def advance(self, now: float) -> None:
        super().advance(now)
        self._apply(now)

    def build(self, item: Item, now: float) -> bytes:
        return self.publisher.build(item, now)

    def settle(self, item: Item, reply: Reply | None, why: str, now: float) -> None:
        self.publisher.settle(item, reply, why, now)

    def snapshot(self) -> bytes:
        saved = {
            "cells": self.cells.view(),
            "reservations": list(self.house.reservations.values()),
            "blocks": list(self.house.blocks.values()),
            "pending": self.house.pending,
            "outbox": self.outbox.waiting(),
            "parked": list(self.publisher.parked.values()),
        }
        return msgspec.json.encode(saved)

    def restore(self, saved: bytes) -> None:
        found = msgspec.json.decode(saved)
        self.cells.load(found["cells"])
        reservations = msgspec.convert(found["reservations"], list[Reservation])
        self.house.reservations = {one.key: one for one in reservations}
        self.house.blocks = {one.block_id: one for one in msgspec.convert(found["blocks"], list[Block])}
        self.house.pending = msgspec.convert(found["pending"], list[Pending])
        self.house.recount()
        self.outbox.restore(msgspec.convert(found["outbox"], list[Item]))
        self.publisher.parked = {item.key: item for item in msgspec.convert(found["parked"], list[Item])}

    def _reservations(self, root: xml.Node) -> Decision:
        """Take all reservations of the message over, or none."""
        now = self.clock()
        found = list(read_reservations(root, self.names, stamp(now)))
        problems = [one for one in found if isinstance(one, Problem)]
        received = [one for one in found if isinstance(one, Received)]
        problems += [problem for one in received for problem in self._objections(one)]
        if not found:
            problems = [Problem(answers.FIELD_MISSING, answers.MISSING, "HotelReservation is required")]
        if problems:
            return self.refuse(root, problems)
        taken = [self._accept(one, now) for one in received]
        self._apply(now)
        echo = xml.attr(root, "EchoToken")
        return Decision(confirm(echo, stamp(now), self.names.hotel, self.config.name, taken), True)

    def _objections(self, one: Received) -> list[Problem]:
        if not self.options.refuse_overbooking or not self.house.short_nights(one.key, one.revision):
            return []
        record_id = one.revision.booking_id
        return [Problem(answers.BUSINESS_RULE, answers.NO_AVAILABILITY, "No rooms left", record_id)]

    def _accept(self, one: Received, now: float) -> Confirmed:
        reservation = self.house.accept(one.key, one.revision, now + self.options.apply_delay_s)
        context = one.key.removesuffix(one.revision.booking_id).rstrip("/")
        return Confirmed(one.revision.kind, one.revision.booking_id, reservation.confirmation, context)

    def _apply(self, now: float | None) -> int:
        applied = self.house.apply_due(now)
        for touched in applied:
            self.changed()
            if self.options.echo_after_apply and touched:
                self.publisher.echo(touched)
        return len(applied)

    def _first_prices(self) -> None:
        """The configured prices over the whole horizon, until a control or a restored state says otherwise."""
        today = day_of(self.clock())
        span = Span(today, today + self.options.horizon_days)
        for room in self.config.rooms:
            for plan, prices in room.prices.items():
                self.cells.apply(PriceChange(room.code, plan, span, prices, {}))

    def _check_product(self, room: str, plan: str) -> None:
        problem = self.names.product_problem(room, plan)
        if problem is not None:
            raise Refusal(problem.text)

    def _control_price(self, body: dict[str, Any]) -> object:
        request = msgspec.convert(body, PriceRequest, strict=False)
        self._check_product(request.room, request.plan)
        span = span_of(request.first, request.last, request.days)
        decimals = self.names.decimals
        base = {guests: minor_units(price, decimals) for guests, price in request.prices.items()}
        extra = {code: minor_units(price, decimals) for code, price in request.extra.items()}
        self.cells.apply(PriceChange(request.room, request.plan, span, base, extra))
        scope = Scope("rates", request.room, request.plan, span.first, span.last)
        return {"queued": self.publisher.queue([scope]) if request.publish else 0}

    def _control_restrict(self, body: dict[str, Any]) -> object:
        request = restrict_request(body)
        self._check_product(request.room, request.plan)
        span = request.span
        self.cells.apply(RuleChange(request.room, request.plan, span, request.fields))
        scope = Scope("rules", request.room, request.plan, span.first, span.last, list(request.fields))
        return {"queued": self.publisher.queue([scope]) if request.publish else 0}

    def _control_block(self, body: dict[str, Any]) -> object:
        request = msgspec.convert(body, BlockRequest)
        self._check_product(request.room, "")
        block_id = request.block_id or f"BLOCK-{len(self.house.blocks) + 1}@{self.clock():.6f}"
        block = Block(block_id, request.room, to_day(request.first), to_day(request.last), request.units)
        self.house.block(block, request.force)
        return {"block_id": block_id, "queued": self._publish_block(block, request.publish)}

    def _control_unblock(self, body: dict[str, Any]) -> object:
        request = msgspec.convert(body, UnblockRequest)
        return {"queued": self._publish_block(self.house.unblock(request.block_id), request.publish)}

    def _publish_block(self, block: Block, publish: bool) -> int:
        return self.publisher.queue([Scope("limits", block.room, "", block.first, block.last)]) if publish else 0

    def _control_options(self, body: dict[str, Any]) -> object:
        self.options = msgspec.convert(msgspec.to_builtins(self.options) | body, PmsOptions)
        self.publisher.options = self.options
        return self.options

    def _view_state(self, query: Mapping[str, str]) -> object:
        """`left`: {room: [[first, last, rooms], …]} (0 when overbooked), `products` as the channel shows them."""
        today = day_of(self.clock())
        first = to_day(query["from"]) if "from" in query else today
        last = to_day(query["to"]) if "to" in query else today + self.options.horizon_days
        left = {
            room: [[to_text(a), to_text(b), rooms] for a, b, rooms in self.house.left_ranges(room, first, last)]
            for room in self.house.units
        }
        state = {"left": left, "products": self.cells.view(first, last)["products"]}
        digest = hashlib.sha256(msgspec.json.encode(state, order="sorted")).hexdigest()
        blocks = list(self.house.blocks.values())
        return {"units": self.house.units, **state, "blocks": blocks, "pending": len(self.house.pending)} | {
            "digest": digest
        }
