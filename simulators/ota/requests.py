"""Bodies of the channel's control endpoints, with ISO dates."""

from typing import Any

import msgspec

from simulators.opentravel.days import to_day, to_text
from simulators.opentravel.stays import Card, Guest, Stay


class StayRequest(msgspec.Struct, forbid_unknown_fields=True):
    """`guests` are adults per unit. `price`: minor units per night and unit, instead of the stored ones."""

    room: str
    plan: str
    arrival: str
    departure: str
    units: int = 1
    guests: int = 2
    children: int = 0
    price: int | None = None

    def stay(self) -> Stay:
        """The stay, priced only if the request says a price."""
        arrival, departure = to_day(self.arrival), to_day(self.departure)
        if departure <= arrival or self.units < 1:
            raise ValueError("a stay has at least one night and one unit")
        nightly = [self.price] * (departure - arrival) if self.price is not None else []
        return Stay(self.room, self.plan, arrival, departure, self.units, self.guests, self.children, nightly)


class BookRequest(msgspec.Struct, forbid_unknown_fields=True):
    """`force` sells what the stored state does not allow. `card`: true for the usual test card. `deliver`: send it."""

    stays: list[StayRequest]
    booking_id: str | None = None
    force: bool = False
    deliver: bool = True
    guest: Guest = msgspec.field(default_factory=Guest)
    card: Card | bool = False
    comment: str | None = None


class ChangeRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Modification: the fields given replace those of the latest revision."""

    booking_id: str
    stays: list[StayRequest]
    force: bool = False
    deliver: bool = True
    guest: Guest | None = None
    comment: str | None = None


class CancelRequest(msgspec.Struct, forbid_unknown_fields=True):
    booking_id: str
    deliver: bool = True


class ResendRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Send revision number `index` (0 = the first, None = the latest) once more, acknowledged or not."""

    booking_id: str
    index: int | None = None


_STAY_FIELDS = set(StayRequest.__struct_fields__)


def book_request(body: dict[str, Any]) -> BookRequest:
    """A booking of several `stays`, or of one whose fields stand at the top."""
    return msgspec.convert(_with_stays(body, {}), BookRequest)


def change_request(body: dict[str, Any], latest: list[Stay]) -> ChangeRequest:
    """A change to `latest`: fields at the top change its first stay, `stays` replaces them all."""
    request = msgspec.convert(_with_stays(body, _stay_body(latest[0])), ChangeRequest)
    if "stays" not in body:
        request.stays += [msgspec.convert(_stay_body(stay), StayRequest) for stay in latest[1:]]
    return request


def _with_stays(body: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    if "stays" in body:
        return body
    stay = given | {key: value for key, value in body.items() if key in _STAY_FIELDS}
    return {key: value for key, value in body.items() if key not in _STAY_FIELDS} | {"stays": [stay]}


def _stay_body(stay: Stay) -> dict[str, Any]:
    return {
        "room": stay.room,
        "plan": stay.plan,
        "arrival": to_text(stay.arrival),
        "departure": to_text(stay.departure),
        "units": stay.units,
        "guests": stay.adults,
        "children": stay.children,
    }
