"""E-mails to who books directly, in English or Simplified Chinese: a reservation was made, changed or cancelled, a
payment is due, was not completed, or came too late.

Which letter is owed is written down with the step it speaks of, so none is lost. It is sent at least once: a process
that dies after handing it in sends it again.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

import structlog
from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.engine.hotel import Hotel
from gateway.engine.offers import shop_of
from gateway.engine.policy import free_until
from gateway.engine.sale import Sale, SaleState, no_show_fee
from gateway.flows.desk.finding import property_of
from gateway.flows.payments.schedule import NOTHING, Asked, SaleMoney, asked_of, money
from gateway.flows.rounds import Rounds
from gateway.flows.selling.rows import SALE, open_sale
from gateway.flows.services import Services
from gateway.io.retry import backoff_s
from gateway.io.smtp import Post, hand_in, is_address, mail, post_of
from gateway.model.dates import Instant, format_day
from gateway.model.money import format_minor
from gateway.settings import Settings
from gateway.store import selling
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import SaleRow

log = structlog.get_logger(__name__)

LOOK_S = 5.0
AT_ONCE = 20
ATTEMPTS_MAX = 30
_RETRY_FIRST_S, _RETRY_MAX_S = 60.0, 4 * 3_600.0
_FREE = {
    "en": (
        "You can cancel free of charge until {0} (hotel time).",
        "This reservation cannot be cancelled free of charge.",
    ),
    "zh": ("{0}（酒店当地时间）之前可免费取消。", "该预订不可免费取消。"),
}


class Letters(Rounds):
    """The loop of one process that has a mail server; raises ValueError where its address makes no sense."""

    def __init__(self, services: Services, settings: Settings) -> None:
        super().__init__(services, "letters", every_s=LOOK_S, first_s=0)
        self._post: Post = post_of(settings.smtp_url)

    async def round(self) -> int:
        """Sends what is owed; returns how many letters were taken by the mail server."""
        services, now_ms = self._services, self._services.clock.now_ms()
        rows = await services.database.read(lambda tx: selling.letters(tx, now_ms, AT_ONCE))
        sent = 0
        for row in rows:
            if services.leases.owns(f"sales:{row.scope_id}", LOOK_S):
                sent += await self._send(row, now_ms)
        return sent

    async def _send(self, row: SaleRow, now_ms: Instant) -> bool:
        services = self._services
        _, hotel = await services.database.read(lambda tx: property_of(services, tx, row.scope_id))
        sale = open_sale(row.body)
        booker = sale.customer.booker
        sender = hotel.property.selling.mail_from
        is_taken = True
        if booker is not None and booker.email and not is_address(booker.email):
            log.warning("letter_without_an_address", reservation=row.sale_id, letter=row.letter)
        elif booker is not None and booker.email and sender:
            language = "zh" if booker.language.casefold().startswith("zh") else "en"
            asked = await asked_of(services, row.scope_id, sale) if row.letter == "payment_due" else NOTHING
            paid = await money(services, row.scope_id, row.sale_id) if sale.payments else None
            subject, text = letter(hotel, row, sale, language, asked, paid)
            try:
                await hand_in(self._post, mail(sender, [booker.email], subject, text, now_ms))
            except OSError as failure:
                is_taken = False
                log.warning("letter_not_sent", reservation=row.sale_id, problem=type(failure).__name__)
        retry_s = backoff_s(row.mail_attempts + 1, _RETRY_FIRST_S, _RETRY_MAX_S, services.random)
        again_ms = now_ms + int(retry_s * 1000)
        if not is_taken and row.mail_attempts + 1 >= ATTEMPTS_MAX:
            log.error("letter_given_up", reservation=row.sale_id, letter=row.letter)
        await services.batcher.submit(LetterSent(row, None if is_taken else again_ms))
        return is_taken


class LetterSent:
    """The job: nothing is owed any more, or it is tried again at ``again_ms``, some times."""

    def __init__(self, row: SaleRow, again_ms: Instant | None) -> None:
        self.scope_id: str | None = row.scope_id
        self._row = row
        self._again_ms = again_ms

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield SALE, self._row[:2]

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = state.get(SaleRow, self._row[:2])
        # Something has happened since that is owed a letter of its own.
        if row is None or row.mail_ms != self._row.mail_ms:
            return Decision(None)
        attempts = row.mail_attempts + 1
        again_ms = self._again_ms if attempts < ATTEMPTS_MAX else None
        return Decision(None, [row._replace(mail_ms=again_ms, mail_attempts=attempts)])


def letter(
    hotel: Hotel, row: SaleRow, sale: Sale, language: str, asked: Asked = NOTHING, paid: SaleMoney | None = None
) -> tuple[str, str]:
    """Subject and text; ``asked`` is what the guest is to pay, and where, ``paid`` what came of earlier asking."""
    said = _said(hotel, row, sale, language, asked, paid)
    text = templates().get_template(f"{row.letter}.{language}.txt").render(said)
    subject, _, body = text.partition("\n")
    return subject, body


@cache
def templates() -> Environment:
    """What e-mails to guests and to the house are written with, plain text in two languages."""
    # Plain text for people: escaping for HTML would show them entities.
    loader = PackageLoader("gateway.flows", "letters")
    return Environment(loader=loader, autoescape=False, undefined=StrictUndefined, keep_trailing_newline=True)


def _said(
    hotel: Hotel, row: SaleRow, sale: Sale, language: str, asked: Asked, paid: SaleMoney | None
) -> dict[str, object]:
    prop = hotel.property
    taken, held = (paid.taken, paid.held) if paid else (0, 0)
    due = max(0, sale.due - taken - held)

    def written(minor: int) -> str:
        return f"{format_minor(minor, sale.currency)} {sale.currency}"

    booker = sale.customer.booker
    given_first = [booker.given, booker.surname] if booker else []
    names = given_first if language == "en" else given_first[::-1]
    minutes = prop.selling.check_in_min
    return {
        "hotel": prop.name,
        "number": row.sale_id,
        "name": " ".join(filter(None, names)),
        "arrival": format_day(sale.arrival),
        "departure": format_day(sale.departure),
        "check_in": f"{minutes // 60:02}:{minutes % 60:02}",
        "rooms": [
            {
                "units": offer.units,
                "name": hotel.rooms[offer.room].name if offer.room in hotel.rooms else offer.room,
                "plan": hotel.plans[offer.plan].name if offer.plan in hotel.plans else offer.plan,
                "amount": written(offer.accommodation),
            }
            for offer in sale.offers
        ],
        "charges": [
            {"name": charge.name, "amount": written(charge.amount), "included": charge.included}
            for offer in sale.offers
            for charge in offer.charges
        ],
        "total": written(sale.total),
        "due": written(due) if due else "",
        "paid": written(taken) if taken else "",
        "stands": row.state == SaleState.BOOKED,
        "asked": written(asked.amount),
        "link": asked.url,
        "penalty": written(sale.penalty) if sale.penalty else "",
        "no_show": written(no_show_fee(sale)),
        "free_until": _free_until(hotel, row, sale, language),
    }


def _free_until(hotel: Hotel, row: SaleRow, sale: Sale, language: str) -> str:
    until, never = _FREE[language]
    if row.connection not in hotel.connections:
        return never
    arrival_ms = shop_of(hotel, row.connection).arrival_ms(sale.arrival)
    frees = [at_ms for policy in sale.policies if (at_ms := free_until(policy, arrival_ms)) is not None]
    if len(frees) < len(sale.policies):
        return never
    at = datetime.fromtimestamp(min(frees) / 1000, ZoneInfo(hotel.property.timezone))
    return until.format(at.strftime("%Y-%m-%d %H:%M"))
