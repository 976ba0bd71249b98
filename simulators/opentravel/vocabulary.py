"""What a counterpart knows by name: its hotel, rooms, plans, currency, and how far ahead it keeps days."""

import msgspec

from simulators.opentravel import answers
from simulators.opentravel.answers import Problem


class Vocabulary(msgspec.Struct, frozen=True):
    """Codes a message may use.

    `plans_of_room` maps room code → plan codes sold with it. `decimals` is the currency's number of minor digits.
    `los` says what a bare SetMinLOS/SetMaxLOS means to this peer: `arrival` or `through`.
    """

    hotel: str
    currency: str
    plans_of_room: dict[str, frozenset[str]]
    decimals: int = 2
    los: str = "arrival"
    days_ahead: int = 730
    days_past: int = 1

    def product_problem(self, room: str, plan: str, record_id: str = "") -> Problem | None:
        """Why (room, plan) is unknown here, or None. An empty plan means the room type as a whole."""
        if room not in self.plans_of_room:
            return Problem(answers.PROCESSING, answers.ROOM_TYPE, f"Room type {room} is unknown", record_id)
        if plan and plan not in self.plans_of_room[room]:
            known = any(plan in plans for plans in self.plans_of_room.values())
            if known:
                return Problem(answers.PROCESSING, answers.NO_RATE, f"{plan} is not sold with {room}", record_id)
            return Problem(answers.PROCESSING, answers.RATE_CODE, f"Rate plan {plan} is unknown", record_id)
        return None

    def day_problem(self, first: int, last: int, today: int, record_id: str = "") -> Problem | None:
        """Why the days [first, last] are not kept here, or None."""
        if last < first:
            return Problem(answers.BUSINESS_RULE, answers.DATE_COMBINATION, "End is before Start", record_id)
        if first < today - self.days_past:
            return Problem(answers.BUSINESS_RULE, answers.INVALID_DATE, "Start is in the past", record_id)
        if last > today + self.days_ahead:
            text = f"End is more than {self.days_ahead} days ahead"
            return Problem(answers.BUSINESS_RULE, answers.INVALID_DATE, text, record_id)
        return None
