"""Payments: how each stands, what can be done with it, and what waits for a person."""

from __future__ import annotations

from gateway.errors import Malformed, Reason, Refusal, Rejected
from gateway.flows.payments import differences, operate
from gateway.flows.payments import show as payments
from gateway.flows.payments.operate import Operated
from gateway.flows.payments.show import PaymentView
from gateway.flows.vault.charge import CardCharge, charge_card
from gateway.flows.vault.charger import charged_at_terminal
from gateway.flows.vault.owed import cards_to_charge
from gateway.model.access import Action
from gateway.model.money import digits_of, format_minor, parse_minor
from gateway.store.statements import Wanted
from gateway.web.console.visits import Go, Page, Views, Visit
from gateway.web.problems import status_of

VIEWS = Views()

LINES = 50
DIFFERENCES_MAX = 100
STEPS = ("capture", "refund", "void", "close")
DONE = (*STEPS, "seen", "resolved", "charged", "terminal")
# What may still be withdrawn; whether there is anything to withdraw, the gateway knows.
_OPEN = ("created", "action_required", "pending", "unknown")
_TONES = {
    "well": ("captured", "authorised", "partially_captured", "succeeded", "done"),
    "busy": ("action_required", "pending", "created", "new", "under_way", "due", "waiting"),
    "parked": ("unknown", "terminal", "open", "warning"),
    "trouble": ("failed", "refused", "lost"),
}
_BASE = "/hotels/{property}"
_ONE = f"{_BASE}/payments/{{payment}}"


@VIEWS.add("GET", f"{_BASE}/payments", Action.READ_RESERVATIONS)
async def show_all(visit: Visit) -> Page:
    """Newest first, below what waits for a person."""
    return await _list(visit)


@VIEWS.add("GET", _ONE, Action.READ_RESERVATIONS)
async def show(visit: Visit) -> Page:
    """One with all that was asked of the gateway, and all that has moved."""
    return await _payment(visit)


@VIEWS.add("POST", f"{_ONE}/do", Action.PAY)
async def do(visit: Visit) -> Page | Go:
    """Takes, gives back, releases or withdraws; refused where the page was not up to date any more."""
    step, form = visit.form.choice("do", STEPS, ""), visit.form
    found = await payments.show(visit.services, visit.property_id, visit.path["payment"])
    try:
        # Whoever presses twice, or beside a colleague, has seen less than there is now.
        if form.number("seen", 0, 10**6) != len(found.operations):
            raise Rejected("somebody has done something with it since: look at it again", Reason.BUSINESS_RULE)
        amount = parse_minor(form.text("amount"), found.currency) if form.text("amount") else None
        await _do(visit, step, found, amount)
    except Refusal as refusal:
        return await _payment(visit, refusal)
    return Go(visit.url("payments", found.id, query=f"done={step}"))


async def _do(visit: Visit, step: str, found: PaymentView, amount: int | None) -> Operated:
    place = (visit.services, visit.property_id, found.id)
    match step:
        case "capture":
            return await operate.capture(*place, amount, visit.author)
        case "refund":
            return await operate.refund(*place, amount, visit.author)
        case "void":
            return await operate.void(*place, visit.author)
        case "close":
            return await operate.close(*place, visit.author)
    raise Malformed("say what is to be done with the payment", Reason.REQUIRED_MISSING)


@VIEWS.add("POST", f"{_BASE}/payment-messages", Action.PAY)
async def settle(visit: Visit) -> Page | Go:
    """Somebody has looked at a message that was set aside."""
    form = visit.form
    try:
        await payments.settle(
            visit.services, visit.property_id, form.text("account"), form.text("id")[:200], visit.author
        )
    except Refusal as refusal:
        return await _list(visit, refusal)
    return Go(visit.url("payments", query="done=seen"))


@VIEWS.add("POST", f"{_BASE}/payment-differences", Action.RECONCILE)
async def resolve(visit: Visit) -> Page | Go:
    """Somebody says how a difference was resolved."""
    form = visit.form
    place = (visit.services, visit.property_id, form.text("account"), form.text("id")[:300])
    try:
        await differences.resolve(*place, form.text("note"), visit.author)
    except Refusal as refusal:
        return await _list(visit, refusal)
    return Go(visit.url("payments", query="done=resolved"))


@VIEWS.add("POST", f"{_BASE}/cards-to-charge", Action.PAY)
async def charge(visit: Visit) -> Page | Go:
    """A card is charged here, or was at the terminal."""
    form, step = visit.form, visit.form.choice("do", ("charged", "terminal"), "")
    place = (visit.services, visit.property_id, form.text("reservation"), form.text("card"))
    try:
        if step == "terminal":
            await charged_at_terminal(*place, visit.author)
            return Go(visit.url("payments", query="done=terminal"))
        if step != "charged":
            raise Malformed("say what is to be done with the card", Reason.REQUIRED_MISSING)
        currency = form.text("currency")
        digits_of(currency)
        wanted = CardCharge(form.text("account"), parse_minor(form.text("amount"), currency), currency)
        operated = await charge_card(*place, wanted, visit.author)
    except Refusal as refusal:
        return await _list(visit, refusal)
    return Go(visit.url("payments", operated.payment_id, query="done=charged"))


async def _list(visit: Visit, refusal: Refusal | None = None) -> Page:
    services, property_id, query = visit.services, visit.property_id, visit.query
    page = await payments.find(
        services, property_id, reservation=query.text("booking")[:64], cursor=query.text("cursor"), limit=LINES
    )
    values = {
        "page": page,
        "query": query,
        "parked": await payments.parked(services, property_id),
        "differing": await differences.find(services, property_id, Wanted(state="open"), limit=DIFFERENCES_MAX),
        "cards": await cards_to_charge(services, property_id),
        "refusal": refusal,
        **_common(visit),
    }
    return Page("payments.html", values, status=status_of(refusal).value if refusal else 200)


async def _payment(visit: Visit, refusal: Refusal | None = None) -> Page:
    found = await payments.show(visit.services, visit.property_id, visit.path["payment"])
    values = {"found": found, "steps": tuple(_steps(found)), "refusal": refusal, **_common(visit)}
    return Page("payment.html", values, status=status_of(refusal).value if refusal else 200)


def _common(visit: Visit) -> dict[str, object]:
    return {
        "done": visit.query.choice("done", DONE, ""),
        "tone": tone,
        "plain": format_minor,
        "may_pay": visit.may(Action.PAY) and visit.may(Action.READ_RESERVATIONS),
        "may_resolve": visit.may(Action.RECONCILE) and visit.may(Action.READ_RESERVATIONS),
    }


def _steps(found: PaymentView) -> list[tuple[str, int | None]]:
    """What can be done, with the most of it in minor units where an amount can be said."""
    steps: list[tuple[str, int | None]] = []
    if found.capturable > 0:
        steps += [("capture", found.capturable), ("void", None)]
    if found.refundable > 0:
        steps.append(("refund", found.refundable))
    if found.status in _OPEN and not found.authorised:
        steps.append(("close", None))
    return steps


def tone(state: str) -> str:
    """A class of the style sheet for a state."""
    return next((name for name, states in _TONES.items() if state in states), "other")
