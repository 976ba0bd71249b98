"""What a hotel sells by as the tables of a hotel file, and the lines that say what a change of it changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from gateway.model.dates import FIRST_DAY, LAST_DAY, format_day
from gateway.model.money import format_minor
from gateway.model.selling import (
    ChildRate,
    PlanTerms,
    Policy,
    Promotion,
    RoomTerms,
    Schedule,
    Selling,
    Share,
    Step,
    Tax,
)

Tables = dict[str, Any]
_NO_SHOW = Policy("", "").no_show
_LISTS = ("taxes", "policies", "schedules", "promotions", "plans", "rooms", "children")


def selling_tables(selling: Selling, currency: str) -> Tables:
    """``[selling]``; what stands at its default is left out."""
    table: Tables = {}
    if selling.check_in_min != Selling().check_in_min:
        table["check_in"] = f"{selling.check_in_min // 60:02}:{selling.check_in_min % 60:02}"
    for name, seconds in (("quote_minutes", "quote_s"), ("hold_minutes", "hold_s"), ("request_minutes", "request_s")):
        if getattr(selling, seconds) != getattr(Selling(), seconds):
            table[name] = getattr(selling, seconds) // 60
    table |= _rest(selling, Selling(), ("infant_age_max", "child_age_max", "policy", "schedule", "mail_from"))
    lists: Tables = {
        "taxes": [_tax(tax, currency) for tax in selling.taxes],
        "policies": [_policy(policy, currency) for policy in selling.policies],
        "schedules": [_schedule(schedule, currency) for schedule in selling.schedules],
        "promotions": [_promotion(promotion, currency) for promotion in selling.promotions],
        "plans": [
            _rest(terms, PlanTerms(""), ("plan", "policy", "schedule", "codes", "on_request"))
            for terms in selling.plans
        ],
        "rooms": [_rest(terms, RoomTerms(""), ("room", "guests_max", "children_max")) for terms in selling.rooms],
        "children": [_child(rate, currency) for rate in selling.children],
    }
    return table | {name: lines for name, lines in lists.items() if lines}


def _tax(tax: Tax, currency: str) -> Tables:
    value: Tables = {"amount": format_minor(tax.amount, currency)}
    if tax.percent_bp or not tax.amount:
        value = {"percent": _percent(tax.percent_bp)}
    plain = _rest(tax, Tax("", ""), ("included", "fee", "age_from", "nights_max"))
    per = {"per": tax.per.value} if tax.per is not Tax("", "").per else {}
    return {"code": tax.code, "name": tax.name, **value, **per, **plain}


def _child(rate: ChildRate, currency: str) -> Tables:
    value: Tables = {"amount": format_minor(rate.amount, currency)}
    if rate.percent_bp is not None:
        value = {"percent": _percent(rate.percent_bp)}
    return {"age_max": rate.age_max, **value, **_rest(rate, ChildRate(0), ("rooms", "plans"))}


def _policy(policy: Policy, currency: str) -> Tables:
    table: Tables = {"code": policy.code, "name": policy.name}
    if policy.guarantee is not Policy("", "").guarantee:
        table["guarantee"] = policy.guarantee.value
    if policy.deposit != Share():
        table["deposit"] = _share(policy.deposit, currency)
    if policy.steps:
        table["cancel"] = [_step(step, currency) for step in policy.steps]
    if policy.no_show != _NO_SHOW:
        table["no_show"] = _share(policy.no_show, currency)
    if not policy.changeable:
        table["changeable"] = False
    return table


def _schedule(schedule: Schedule, currency: str) -> Tables:
    plain = _rest(schedule, Schedule(""), ("days", "balance_days", "account", "hold", "tries", "charge_card"))
    method = {"method": schedule.method.value} if schedule.method is not Schedule("").method else {}
    return {
        "code": schedule.code,
        "pays": schedule.pays.value,
        **_share(schedule.deposit, currency),
        **plain,
        **method,
    }


def _step(step: Step, currency: str) -> Tables:
    return ({} if step.within_h is None else {"within_h": step.within_h}) | _share(step.penalty, currency)


def _share(share: Share, currency: str) -> Tables:
    table: Tables = {"nights": share.nights} if share.nights else {}
    if share.percent_bp:
        table["percent"] = _percent(share.percent_bp)
    if share.amount:
        table["amount"] = format_minor(share.amount, currency)
    return table


def _promotion(promotion: Promotion, currency: str) -> Tables:
    table: Tables = {"code": promotion.code, "name": promotion.name}
    if promotion.percent_bp:
        table["percent"] = _percent(promotion.percent_bp)
    if promotion.amount:
        table["amount"] = format_minor(promotion.amount, currency)
    for name, none in (("first", FIRST_DAY), ("last", LAST_DAY)):
        if getattr(promotion, name) != none:
            table[name] = format_day(getattr(promotion, name))
    plain = ("codes", "free_night", "rooms", "plans", "nights_min", "nights_max", "advance_min_h", "advance_max_h")
    return table | _rest(promotion, Promotion("", ""), plain)


def _rest(value: msgspec.Struct, default: msgspec.Struct, names: Sequence[str]) -> Tables:
    """The fields that differ from the default; tuples become lists."""
    found = {name: getattr(value, name) for name in names if getattr(value, name) != getattr(default, name)}
    return {name: list(given) if isinstance(given, tuple) else given for name, given in found.items()}


def _percent(percent_bp: int) -> str:
    return f"{Decimal(percent_bp).scaleb(-2).normalize():f}"


# --- what changes -----------------------------------------------------------------------------------------------------


def selling_changes(old: Selling, new: Selling, currency: str) -> Iterator[str]:
    """A line for each setting and each tax, policy, promotion, plan and room whose terms change."""
    was, now = selling_tables(old, currency), selling_tables(new, currency)
    for name in sorted({*was, *now} - set(_LISTS)):
        if was.get(name) != now.get(name):
            yield f"~ selling: {name} {_said(was.get(name))} → {_said(now.get(name))}"
    for name in _LISTS:
        before, after = ({_key(line): line for line in tables.get(name, ())} for tables in (was, now))
        for key in before:
            if key not in after:
                yield f"- selling {name}: {key}"
        for key, line in after.items():
            if before.get(key) != line:
                yield f"{'~' if key in before else '+'} selling {name}: {key} {_line(line)}"
        if [key for key in after if key in before] != [key for key in before if key in after]:
            yield f"~ selling {name}: their order is now {', '.join(after)}"


def _key(line: Tables) -> str:
    if "age_max" in line:
        return " ".join([f"up to {line['age_max']}", *line.get("rooms", ()), *line.get("plans", ())])
    return str(line.get("code") or line.get("plan") or line.get("room"))


def _line(line: Tables) -> str:
    return ", ".join(f"{name} {_said(value)}" for name, value in line.items() if name != "code")


def _said(value: object) -> str:
    if isinstance(value, dict):
        return f"({_line(value)})"
    if isinstance(value, list):
        return f"[{', '.join(map(_said, value))}]"
    return "none" if value is None else str(value)
