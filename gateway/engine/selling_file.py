"""The part of a hotel file that says how the hotel sells by itself: ``[selling]`` and the tables below it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gateway.engine.file_reader import FileReader
from gateway.engine.readable import shown
from gateway.engine.schedule_file import ShareTable, read_schedule
from gateway.engine.selling_shapes import (
    ChildTable,
    PlanTermsTable,
    PolicyTable,
    PromotionTable,
    RoomTermsTable,
    SellingTable,
    StepTable,
    TaxTable,
)
from gateway.errors import Malformed
from gateway.model.dates import FIRST_DAY, LAST_DAY, Day, parse_day
from gateway.model.money import digits_of
from gateway.model.selling import (
    ChildRate,
    Pays,
    Per,
    PlanTerms,
    Policy,
    Promotion,
    RoomTerms,
    Selling,
    Share,
    Step,
    Tax,
)


def read_selling(
    reader: FileReader,
    raw: Mapping[str, Any],
    currency: str,
    rooms: Sequence[str],
    plans: Sequence[str],
    accounts: Sequence[str],
    *,
    net: bool,
) -> Selling:
    """The table as it stands; faults are told to the reader. Amounts are left unread where no currency is known."""
    return _Selling(reader, currency, rooms, plans, accounts, net=net).selling(raw)


class _Selling:
    def __init__(
        self,
        reader: FileReader,
        currency: str,
        rooms: Sequence[str],
        plans: Sequence[str],
        accounts: Sequence[str],
        *,
        net: bool,
    ) -> None:
        self._reader = reader
        self._currency = currency
        self._rooms = rooms
        self._plans = plans
        self._accounts = accounts
        self._net = net

    def selling(self, raw: Mapping[str, Any]) -> Selling:
        path, reader = "selling", self._reader
        table = reader.table(SellingTable, raw, path)
        taxes = tuple(self.tax(each, f"{path}.taxes[{n}]") for n, each in enumerate(table.taxes))
        policies = tuple(self.policy(each, f"{path}.policies[{n}]") for n, each in enumerate(table.policies))
        promotions = tuple(self.promotion(each, f"{path}.promotions[{n}]") for n, each in enumerate(table.promotions))
        schedules = tuple(
            read_schedule(reader, each, f"{path}.schedules[{n}]", self._accounts, self.share)
            for n, each in enumerate(table.schedules)
        )
        known, dated = [policy.code for policy in policies], [schedule.code for schedule in schedules]
        plans = tuple(self.plan(each, f"{path}.plans[{n}]", known, dated) for n, each in enumerate(table.plans))
        rooms = tuple(self.room(each, f"{path}.rooms[{n}]") for n, each in enumerate(table.rooms))
        reader.unique([tax.code for tax in taxes], f"{path}.taxes", "code")
        reader.unique(known, f"{path}.policies", "code")
        reader.unique(dated, f"{path}.schedules", "code")
        reader.unique([each.code for each in promotions], f"{path}.promotions", "code")
        reader.unique([each.plan for each in plans], f"{path}.plans", "plan")
        reader.unique([each.room for each in rooms], f"{path}.rooms", "room")
        self.known(table.policy, known, f"{path}.policy", "policy")
        self.known(table.schedule, dated, f"{path}.schedule", "schedule")
        if table.mail_from and "@" not in table.mail_from:
            reader.wrong(f"{path}.mail_from", f"{shown(table.mail_from)} is not an e-mail address")
        by_code = {schedule.code: schedule for schedule in schedules}
        for place, terms in enumerate(plans):
            schedule = by_code.get(terms.schedule or table.schedule)
            if terms.on_request and schedule is not None and schedule.pays is not Pays.AT_HOTEL:
                text = "is for plans that are paid at the hotel: nothing is taken before a request is accepted"
                reader.wrong(f"{path}.plans[{place}].on_request", text)
        hours, _, minutes = table.check_in.partition(":")
        return Selling(
            check_in_min=int(hours) * 60 + int(minutes),
            quote_s=table.quote_minutes * 60,
            hold_s=table.hold_minutes * 60,
            request_s=table.request_minutes * 60,
            infant_age_max=table.infant_age_max,
            child_age_max=table.child_age_max,
            policy=table.policy,
            schedule=table.schedule,
            mail_from=table.mail_from,
            taxes=taxes,
            policies=policies,
            schedules=schedules,
            promotions=promotions,
            plans=plans,
            rooms=rooms,
            children=tuple(self.child(each, f"{path}.children[{n}]", table) for n, each in enumerate(table.children)),
        )

    def known(self, word: str, known: Collection[str], path: str, noun: str) -> None:
        if word and word not in known:
            self._reader.wrong(path, f"there is no {noun} {shown(word)}{self._reader.meant(word, known)}")

    def tax(self, raw: Mapping[str, Any], path: str) -> Tax:
        reader = self._reader
        table = reader.table(TaxTable, raw, path)
        percent, amount = self.percent(table.percent, path), self.amount(table.amount, path)
        if (table.percent is None) == (table.amount is None):
            reader.wrong(path, "needs a percent or an amount, and not both")
        if table.percent is not None:
            for name in ("per", "age_from", "nights_max"):
                if name in raw:
                    reader.wrong(f"{path}.{name}", "has no effect on a percentage")
        if table.included and self._net:
            reader.wrong(f"{path}.included", 'cannot be true where prices = "net"')
        if table.included and table.amount is not None and table.per is not Per.NIGHT:
            reader.wrong(f"{path}.included", 'takes an amount per = "night"')
        return Tax(
            table.code,
            table.name or table.code,
            percent,
            amount,
            table.per,
            table.included,
            table.fee,
            table.age_from,
            table.nights_max,
        )

    def policy(self, raw: Mapping[str, Any], path: str) -> Policy:
        table = self._reader.table(PolicyTable, raw, path)
        steps = []
        for place, each in enumerate(table.cancel):
            at = f"{path}.cancel[{place}]"
            step = self._reader.table(StepTable, each, at)
            steps.append(Step(self.share(step, at), step.within_h))
        no_show = Share(percent_bp=10_000)
        if table.no_show is not None:
            no_show = self.share(self._reader.table(ShareTable, table.no_show, f"{path}.no_show"), f"{path}.no_show")
        deposit = self._reader.table(ShareTable, table.deposit or {}, f"{path}.deposit")
        return Policy(
            table.code,
            table.name or table.code,
            table.guarantee,
            self.share(deposit, f"{path}.deposit"),
            tuple(steps),
            no_show,
            table.changeable,
        )

    def share(self, table: ShareTable, path: str) -> Share:
        return Share(table.nights, self.percent(table.percent, path, 10_000), self.amount(table.amount, path))

    def promotion(self, raw: Mapping[str, Any], path: str) -> Promotion:
        table = self._reader.table(PromotionTable, raw, path)
        for room in table.rooms:
            self.known(room, self._rooms, f"{path}.rooms", "room type")
        for plan in table.plans:
            self.known(plan, self._plans, f"{path}.plans", "rate plan")
        if table.free_night == 1:
            self._reader.wrong(f"{path}.free_night", "would give every night away; it is 2 or more")
        return Promotion(
            table.code,
            table.name or table.code,
            table.codes,
            self.percent(table.percent, path, 10_000),
            self.amount(table.amount, path),
            table.free_night,
            table.rooms,
            table.plans,
            table.nights_min,
            table.nights_max,
            table.advance_min_h,
            table.advance_max_h,
            self.day(table.first, FIRST_DAY, f"{path}.first"),
            self.day(table.last, LAST_DAY, f"{path}.last"),
        )

    def plan(
        self, raw: Mapping[str, Any], path: str, policies: Collection[str], schedules: Collection[str]
    ) -> PlanTerms:
        table = self._reader.table(PlanTermsTable, raw, path)
        self.known(table.plan, self._plans, f"{path}.plan", "rate plan")
        self.known(table.policy, policies, f"{path}.policy", "policy")
        self.known(table.schedule, schedules, f"{path}.schedule", "schedule")
        return PlanTerms(table.plan, table.policy, table.codes, table.schedule, table.on_request)

    def room(self, raw: Mapping[str, Any], path: str) -> RoomTerms:
        table = self._reader.table(RoomTermsTable, raw, path)
        self.known(table.room, self._rooms, f"{path}.room", "room type")
        return RoomTerms(table.room, table.guests_max, table.children_max)

    def child(self, raw: Mapping[str, Any], path: str, selling: SellingTable) -> ChildRate:
        table = self._reader.table(ChildTable, raw, path)
        for room in table.rooms:
            self.known(room, self._rooms, f"{path}.rooms", "room type")
        for plan in table.plans:
            self.known(plan, self._plans, f"{path}.plans", "rate plan")
        if (table.percent is None) == (table.amount is None):
            self._reader.wrong(path, "needs a percent or an amount, and not both")
        if "age_max" in raw and not selling.infant_age_max < table.age_max <= selling.child_age_max:
            self._reader.wrong(f"{path}.age_max", "is not the age of a child: see infant_age_max and child_age_max")
        percent_bp = None if table.percent is None else self.percent(table.percent, path)
        return ChildRate(table.age_max, percent_bp, self.amount(table.amount, path), table.rooms, table.plans)

    # --- values ---

    def percent(self, value: object, path: str, most_bp: int = 100_000) -> int:
        found = self._reader.number(value, 2, f"{path}.percent", "a percentage") or 0
        if not 0 <= found <= most_bp:
            self._reader.wrong(f"{path}.percent", f"is not between 0 and {most_bp // 100}")
            return 0
        return found

    def amount(self, value: object, path: str) -> int:
        if not self._currency:
            return 0
        what = f"an amount of {self._currency}"
        found = self._reader.number(value, digits_of(self._currency), f"{path}.amount", what) or 0
        if found < 0:
            self._reader.wrong(f"{path}.amount", "must not be less than 0")
            return 0
        return found

    def day(self, text: str | None, default: Day, path: str) -> Day:
        try:
            return default if text is None else parse_day(text)
        except Malformed as fault:
            self._reader.wrong(path, fault.text)
            return default
