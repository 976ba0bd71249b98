"""What the house offers for a stay: every product that may be booked, with its price by night, taxes and terms.

Prices, restrictions and rooms left are those of the one calendar, combined as for a channel
(:mod:`gateway.engine.view`); a direct source has an allotment like any channel. Many products over a few nights are
worked out together in numpy, and what is found is plain integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from gateway.engine.asking import Ask, Offer, Offers, Party, Unoffered
from gateway.engine.calendar import NO_PRICE, Array, Key
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar, Target
from gateway.engine.nights import HOUSE, Cell
from gateway.engine.payment_schedule import Priced, at_booking
from gateway.engine.policy import NO_POLICY, due_at_booking
from gateway.engine.pricing import costs
from gateway.engine.promotions import codes_apart, possible
from gateway.engine.rates import lineage, ruling
from gateway.engine.stay_grid import Count, StayGrid
from gateway.engine.stay_rules import Why, refusals
from gateway.engine.stock import NO_FIGURE
from gateway.engine.taxes import Number, ages_of
from gateway.engine.window import free
from gateway.model.ari import Field
from gateway.model.dates import BLOCK_DAYS, Day, Instant, blocks_of, day_start_ms, local_day
from gateway.model.property import Allotment, Connection, RatePlan, RoomType
from gateway.model.selling import Pays, PlanTerms, Policy, RoomTerms, Schedule

_HOUR_MS = 3_600_000


class Shop:
    """One direct source of a hotel, compiled once per version of its configuration."""

    def __init__(self, hotel: Hotel, source: Connection) -> None:
        prop = hotel.property
        self.hotel = hotel
        self.source = source
        self.selling = prop.selling
        self._rooms = list(prop.room_types)
        self._plans = list(prop.rate_plans)
        self._lines = [lineage(prop, plan.code) for plan in self._plans]
        self._policies = {policy.code: policy for policy in self.selling.policies}
        self._schedules = {schedule.code: schedule for schedule in self.selling.schedules}
        self._plan_terms = {terms.plan: terms for terms in self.selling.plans}
        self._room_terms = {terms.room: terms for terms in self.selling.rooms}
        self._on_request = frozenset(terms.plan for terms in self.selling.plans if terms.on_request)
        self._by_virtual_card = frozenset(
            place
            for place, plan in enumerate(self._plans)
            if (schedule := self.schedule(plan.code)) is not None and schedule.pays is Pays.VIRTUAL_CARD
        )

    def arrival_ms(self, day: Day) -> Instant:
        """The instant guests of that day may come."""
        return day_start_ms(day, self.hotel.property.timezone) + self.selling.check_in_min * 60_000

    def policy(self, plan: str) -> Policy:
        """The terms of a rate plan."""
        return self._policies.get(self._terms(plan).policy or self.selling.policy, NO_POLICY)

    def schedule(self, plan: str) -> Schedule | None:
        """When a rate plan is paid; None where payments are not looked after here."""
        return self._schedules.get(self._terms(plan).schedule or self.selling.schedule)

    def is_shown(self, plan: str, codes: Sequence[str]) -> bool:
        """Whether who said these codes may know of the plan."""
        wanted = self._terms(plan).codes
        return not wanted or not codes_apart(wanted, codes)

    def count(self, party: Party) -> Count:
        """Infants need no place and pay nothing; whoever is too old for a child is an adult."""
        selling = self.selling
        ages = [age for age in party.child_ages if age > selling.infant_age_max]
        children = tuple(age for age in ages if age <= selling.child_age_max)
        adults = party.adults + len(ages) - len(children)
        return Count(adults, len(children), ages_of(party.adults, party.child_ages), children)

    def _terms(self, plan: str) -> PlanTerms:
        return self._plan_terms.get(plan, PlanTerms(plan))

    # --- what is read -----------------------------------------------------------------------------------------------

    def calendar_keys(self, arrival: Day, departure: Day) -> list[Key]:
        """Calendar rows (room, plan, block) that offers for the stay depend on; the departure date is one of them."""
        blocks = blocks_of(arrival, departure)
        plans = ["", *(plan.code for plan in self._plans)]
        targets: list[Target] = [("", ""), *((room.code, plan) for room in self._rooms for plan in plans)]
        return [(*target, block) for target in targets for block in blocks]

    def stock_keys(self, first: Day, last: Day) -> list[Key]:
        """Stock rows (room, block) of the nights ``first`` to ``last``."""
        rooms = [HOUSE, *(room.code for room in self._rooms)]
        return [(room, block) for room in rooms for block in blocks_of(first, last)]

    def _chosen_rooms(self, ask: Ask) -> list[RoomType]:
        return [room for room in self._rooms if not ask.rooms or room.code in ask.rooms]

    def _chosen_plans(self, ask: Ask) -> list[int]:
        """Places of the plans; those that need a code nobody said are not even looked at."""
        return [
            place
            for place, plan in enumerate(self._plans)
            if (not ask.plans or plan.code in ask.plans) and self.is_shown(plan.code, ask.codes)
        ]

    # --- what is found ----------------------------------------------------------------------------------------------

    def search(self, calendar: Calendar, ask: Ask, now_ms: Instant) -> Offers:
        """Every product for the stay. ``calendar`` has the rows of :meth:`calendar_keys` and :meth:`stock_keys`."""
        rooms, places = self._chosen_rooms(ask), self._chosen_plans(ask)
        if not rooms or not places:
            return Offers([], [])
        count = self.count(ask.party)
        notice_h = (self.arrival_ms(ask.arrival) - now_ms) / _HOUR_MS
        grid = StayGrid(calendar, rooms, [self._lines[place] for place in places], ask.arrival, ask.departure)
        prices = grid.prices(count, self.selling.children)
        free_rooms = self.left(calendar, rooms, ask.arrival, ask.departure - 1, ask.given_back)
        left = np.repeat(free_rooms.min(axis=1), len(places))
        reasons = refusals(grid.rules(), ask.nights, notice_h)
        fits = np.repeat([self._fits(room, count) for room in rooms], len(places))
        reasons[Why.NO_PRICE] = fits & (prices == NO_PRICE).any(axis=1)
        reasons[Why.OCCUPANCY] = ~fits
        reasons[Why.NO_ROOMS] = left < ask.units
        if self._by_virtual_card:
            reasons[Why.VIRTUAL_CARD] = np.tile([place in self._by_virtual_card for place in places], len(rooms))
        bad = np.logical_or.reduce(list(reasons.values()))
        products = [(room.code, self._plans[place].code) for room in rooms for place in places]
        today = local_day(now_ms, self.hotel.property.timezone)
        sold = self._priced(ask, count, products, np.flatnonzero(~bad).tolist(), prices, left, notice_h, today)
        return Offers(sorted(sold, key=lambda offer: offer.total), _unoffered(products, reasons, bad))

    def left(
        self, calendar: Calendar, rooms: Sequence[RoomType], first: Day, last: Day, given_back: Mapping[Cell, int] = {}
    ) -> Array:
        """Rooms this source may sell, shape (rooms, days)."""
        links, codes = self.hotel.links, [room.code for room in rooms]
        levels = [(room,) for room in (HOUSE, *(links.closed_under(codes) if links else codes))]
        days = self._stock(calendar, [room for (room,) in levels], first, last)
        if links:
            found = links.levels_left(self.hotel.figure_kind, levels, days)
        else:
            found = free(self.hotel.figure_kind, *(days[:, plane] for plane in range(4)), clamped=True)
        for (room, day), units in given_back.items():
            if (room,) in levels and first <= day <= last:
                found[levels.index((room,)), day - first] += units
                if room not in links.parts:
                    found[0, day - first] += units
        house, rooms_left = found[0], found[1:]
        if links:
            links.narrow(levels[1:], rooms_left)
            rooms_left = rooms_left[[levels.index((code,)) - 1 for code in codes]]
            house = house // np.array([links.size(code) for code in codes])[:, None]
        if self.hotel.limits_house:
            rooms_left = np.where(days[0, 0] > NO_FIGURE, np.minimum(rooms_left, house), rooms_left)
        shown: Array = np.maximum(allotted(rooms_left, self.source.allotment), 0)
        return shown

    def _stock(self, calendar: Calendar, rooms: Sequence[str], first: Day, last: Day) -> Array:
        """Shape (rooms, 4, days)."""
        blocks = blocks_of(first, last)
        span = slice(first - blocks[0] * BLOCK_DAYS, last + 1 - blocks[0] * BLOCK_DAYS)
        planes = calendar.stock((room, block) for room in rooms for block in blocks)
        by_room = planes.reshape(len(rooms), len(blocks), 4, BLOCK_DAYS).transpose(0, 2, 1, 3)
        days: Array = by_room.reshape(len(rooms), 4, -1)[:, :, span]
        return days

    def _fits(self, room: RoomType, count: Count) -> bool:
        terms = self._room_terms.get(room.code, RoomTerms(room.code))
        guests_max = room.adults_max if terms.guests_max is None else terms.guests_max
        children_max = count.children if terms.children_max is None else terms.children_max
        return count.adults > 0 and count.adults + count.children <= guests_max and count.children <= children_max

    def _priced(
        self,
        ask: Ask,
        count: Count,
        products: Sequence[Target],
        found: Sequence[int],
        prices: Array,
        left: Array,
        notice_h: float,
        today: Day,
    ) -> list[Offer]:
        promotions = possible(self.selling.promotions, ask.codes, ask.arrival, ask.nights, notice_h)
        plans = {products[place][1] for place in found}
        policies = {plan: self.policy(plan) for plan in plans}
        schedules = {plan: self.schedule(plan) for plan in plans} if self._schedules else {}
        chosen = [products[place] for place in found]
        amounts = costs(chosen, prices[found], promotions, self.selling.taxes, ask.units, count.ages)
        offers = []
        for (room, plan), cost, rooms_left in zip(chosen, amounts, left[found].tolist(), strict=True):
            policy, schedule = policies[plan], schedules.get(plan)
            if schedule is not None:
                due = at_booking(schedule, Priced(cost.nightly, ask.units, cost.total), ask.arrival, today)
            else:
                due = due_at_booking(policy, cost.nightly, ask.units, cost.total)
            offers.append(
                Offer(
                    room,
                    plan,
                    ask.arrival,
                    ask.departure,
                    ask.units,
                    ask.party.adults,
                    ask.party.child_ages,
                    cost.nightly,
                    cost.accommodation,
                    cost.charges,
                    cost.total,
                    due,
                    policy.guarantee,
                    policy.code,
                    cost.promotion,
                    cost.before if cost.promotion else (),
                    rooms_left,
                    plan in self._on_request,
                )
            )
        return offers


@lru_cache(maxsize=64)
def shop_of(hotel: Hotel, source: str) -> Shop:
    """The shop of a direct source by its id, compiled at first use and shared by everything that uses this version."""
    return Shop(hotel, hotel.connections[source])


def allotted(left: Number, allotment: Allotment) -> Number:
    """What a source sees of the rooms left, as a channel does; for integers and arrays."""
    shown: Number = (left - allotment.keep_back) * (left > allotment.close_at)
    return shown if allotment.cap is None else np.minimum(shown, allotment.cap)


def is_closed(calendar: Calendar, line: tuple[RatePlan, ...], room: str, arrival: Day, departure: Day) -> bool:
    """Whether any night of a product is closed, at whatever level."""
    levels: list[Target] = [("", ""), (room, ""), *((room, plan.code) for plan in ruling(line))]
    blocks = list(blocks_of(arrival, departure - 1))
    rows = calendar.find([(level, blocks) for level in levels]).reshape(len(levels), len(blocks))
    days = np.arange(arrival, departure)
    closed = calendar.sheet.columns[Field.CLOSED][rows[:, days // BLOCK_DAYS - blocks[0]], days % BLOCK_DAYS]
    return bool(closed.any())


def _unoffered(products: Sequence[Target], reasons: Mapping[Why, Array], bad: Array) -> list[Unoffered]:
    names = list(reasons)
    table = np.column_stack(list(reasons.values()))
    rows = np.flatnonzero(bad).tolist()
    return [
        Unoffered(*products[row], tuple(name for name, holds in zip(names, flags, strict=True) if holds))
        for row, flags in zip(rows, table[rows].tolist(), strict=True)
    ]
