"""Random sales at a rate, for load and demos; the same seed and clock give the same acts."""

import random

from simulators.config import SellPlan
from simulators.desk import Refusal
from simulators.opentravel.days import day_of, to_text
from simulators.opentravel.stays import Guest
from simulators.ota.requests import BookRequest, CancelRequest, ChangeRequest, StayRequest
from simulators.ota.sales import Sales

_GIVEN = ("Ada", "Grace", "Edsger", "Barbara", "Alan", "Radia", "Tim", "Frances")
_SURNAMES = ("Muster", "Rossi", "Garcia", "Novak", "Lindqvist", "Okafor", "Tanaka", "O'Neill", "Müller")


class Seller:
    """Does what a SellPlan says whenever `advance` is called. `acts` counts tries, `sold` those that succeeded."""

    def __init__(self, sales: Sales, products: list[tuple[str, str]]) -> None:
        self._sales, self._products = sales, products
        self.start(SellPlan(), 0.0)

    def start(self, plan: SellPlan, now: float) -> None:
        """Begin anew with a plan; rate 0 stops."""
        self.plan = plan
        self.acts = self.sold = 0
        self._dice = random.Random(plan.seed)
        self._next_at = now

    def advance(self, now: float) -> bool:
        """Act as often as is due by `now`; whether anything was done."""
        done = False
        while self.plan.rate_per_s > 0 and self._next_at <= now and not self._finished():
            self._next_at += 1 / self.plan.rate_per_s
            self.act(now)
            done = True
        return done

    def view(self) -> dict[str, object]:
        running = self.plan.rate_per_s > 0 and not self._finished()
        return {"running": running, "acts": self.acts, "sold": self.sold}

    def act(self, now: float) -> None:
        """One random booking, change or cancellation; a refusal by the stored state is no error."""
        self.acts += 1
        lot = self._dice.random()
        bookings = self._sales.bookings.active() if lot < self.plan.cancel_share + self.plan.modify_share else []
        try:
            if not bookings:
                self._sales.book(self._booking(now))
            elif lot < self.plan.cancel_share:
                self._sales.cancel(CancelRequest(self._dice.choice(bookings).booking_id))
            else:
                booking_id = self._dice.choice(bookings).booking_id
                self._sales.modify(ChangeRequest(booking_id, [self._stay(now)], force=self.plan.force))
        except Refusal:
            return
        self.sold += 1

    def _finished(self) -> bool:
        return self.plan.count is not None and self.acts >= self.plan.count

    def _booking(self, now: float) -> BookRequest:
        given, surname = self._dice.choice(_GIVEN), self._dice.choice(_SURNAMES)
        guest = Guest(given, surname, f"guest{self.acts}@example.org")
        return BookRequest([self._stay(now)], force=self.plan.force, guest=guest)

    def _stay(self, now: float) -> StayRequest:
        room, plan = self._dice.choice(self._products)
        arrival = day_of(now) + self._dice.randint(0, self.plan.days_ahead)
        nights = self._dice.randint(1, self.plan.nights_max)
        guests = self._dice.randint(1, self.plan.guests_max)
        return StayRequest(room, plan, to_text(arrival), to_text(arrival + nights), guests=guests)
