"""Commands to try a connector with: one plain sample of each kind, and strategies for as many more as one likes.

All stay within what the capabilities declare. Updates of one command never touch the same night twice, because a plan
of the engine does not either, so dialects are free to reorder them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from hypothesis import strategies as st

from gateway.contract import Capabilities
from gateway.messages import (
    Command,
    Confirmation,
    ConfirmReservations,
    DeliverReservation,
    Described,
    Outgoing,
    Ping,
    PlansAsked,
    PlansFound,
    PushAvailability,
    PushRates,
    RetrieveReservations,
)
from gateway.model.ari import ASPECT_OF, AriUpdate, Aspect, Field, Setting
from gateway.model.dates import ALL_WEEK, Day
from gateway.model.reservation import Content, Guest, Revision, RevisionKind, RoomStay
from gateway.testing.subject import NOW_MS, Subject

FIRST: Day = date(2031, 1, 5).toordinal()
SLOT_DAYS = 30
SLOTS = 12

_PLAIN = {
    Field.FIGURE: 5,
    Field.FIGURE_BY: -1,
    Field.CLOSED: 1,
    Field.CTA: 1,
    Field.CTD: 1,
    Field.MIN_ARRIVAL: 2,
    Field.MIN_THROUGH: 2,
    Field.MAX_ARRIVAL: 14,
    Field.MAX_THROUGH: 14,
    Field.LOS_CLOSED: 0b101,
    Field.MIN_OFFSET_H: 24,
    Field.MAX_OFFSET_H: 720,
    Field.PRICE: 12050,
    Field.EXTRA_ADULT: 2500,
    Field.EXTRA_CHILD: 1500,
}


def all_commands() -> Sequence[type[Command]]:
    """Every kind of command the gateway knows."""

    def below(kind: type[Command]) -> Iterator[type[Command]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    return sorted(set(below(Command)), key=lambda kind: kind.__name__)


def command_of(kind: type[Command], subject: Subject) -> Sequence[Command]:
    """The samples of one kind, those given with the subject first; empty where there are none."""
    if kind in subject.samples:
        return subject.samples[kind]
    declared = subject.declared
    if kind is Ping:
        return [Ping(id="conformance-ping", at_ms=NOW_MS)]
    if kind is DeliverReservation:
        return [_delivery(subject, kind) for kind in (RevisionKind.NEW, RevisionKind.MODIFY, RevisionKind.CANCEL)]
    if kind is RetrieveReservations:
        return [RetrieveReservations(id="conformance-retrieval", at_ms=NOW_MS)]
    if kind is ConfirmReservations:
        return [confirm(1), confirm(3)]
    if kind is PushAvailability or kind is PushRates:
        fields = fields_of(kind, declared) or fields_of(kind, Capabilities(fields=frozenset(Field)))
        return [push(kind, [update_of(field, subject)]) for field in fields]
    return ()


def fields_of(kind: type[Command], declared: Capabilities) -> Sequence[Field]:
    """The declared fields that belong into one kind of push, in the order of :class:`Field`."""
    prices = kind is PushRates
    return [f for f in Field if f in declared.fields and (ASPECT_OF[f] is Aspect.PRICES) == prices]


def push(kind: type[Command], updates: Sequence[AriUpdate], id_: str = "conformance-push") -> Command:
    """A push of the given kind."""
    if kind is PushRates:
        return PushRates(id=id_, at_ms=NOW_MS, updates=tuple(updates))
    return PushAvailability(id=id_, at_ms=NOW_MS, updates=tuple(updates))


def confirm(count: int) -> ConfirmReservations:
    """So many confirmations, every third of which says that the reservation could not be taken."""
    kinds = (RevisionKind.NEW, RevisionKind.MODIFY, RevisionKind.CANCEL)
    found = (
        Confirmation(
            f"B-{n}", kinds[n % 3], "" if n % 3 == 2 else f"R-{n}", NOW_MS, "no such room" if n % 3 == 2 else ""
        )
        for n in range(count)
    )
    return ConfirmReservations(id="conformance-confirmation", at_ms=NOW_MS, confirmations=tuple(found))


def outgoing(subject: Subject) -> tuple[Outgoing, ...]:
    """A new, a changed and a cancelled reservation, as a flow finds them for a counterpart that asks."""
    kinds = (RevisionKind.NEW, RevisionKind.MODIFY, RevisionKind.CANCEL)
    found = [_delivery(subject, kind, f"R-{1001 + n}") for n, kind in enumerate(kinds)]
    return tuple(Outgoing(one.reservation_id, one.revision, one.source, one.modified_ms) for one in found)


def plans_found(subject: Subject, asked: PlansAsked) -> PlansFound:
    """Rooms and plans by name, with a price and a rule for one night where days are asked for."""
    fields = [field for field in (Field.PRICE, Field.MIN_ARRIVAL) if field in subject.declared.fields]
    rooms, plans = (
        tuple(Described(code, f"Name of {code}") for code in codes) for codes in (subject.rooms, subject.plans)
    )
    updates = tuple(update_of(field, subject) for field in fields) if asked.first is not None else ()
    return PlansFound(asked.hotel, subject.site.currency, False, rooms, plans, updates)


def kind_of(field: Field) -> type[Command]:
    """The command a field travels in."""
    return PushRates if ASPECT_OF[field] is Aspect.PRICES else PushAvailability


def update_of(field: Field, subject: Subject, day: Day = FIRST, guests: int | None = None) -> AriUpdate:
    """One night, one field. Extra amounts come with the price they are added to, since many dialects nest them."""
    prices = ASPECT_OF[field] is Aspect.PRICES
    if guests is None:
        guests = min(2, subject.declared.guests_max) if field is Field.PRICE else 0
    settings = [Setting(field, _PLAIN[field], guests)]
    if field in (Field.EXTRA_ADULT, Field.EXTRA_CHILD) and Field.PRICE in subject.declared.fields:
        settings.insert(0, Setting(Field.PRICE, _PLAIN[Field.PRICE], min(2, subject.declared.guests_max)))
    currency = subject.site.currency if prices else ""
    plan = subject.plans[0] if has_plan(field, subject.declared) else ""
    return AriUpdate(subject.rooms[0], plan, day, day, tuple(settings), currency=currency)


def has_plan(field: Field, declared: Capabilities) -> bool:
    """Limits belong to the room type unless declared otherwise, all else to the product."""
    return declared.limit_per_product or ASPECT_OF[field] is not Aspect.LIMIT


def _delivery(subject: Subject, kind: RevisionKind, number: str = "R-1001") -> DeliverReservation:
    guest = Guest("Okonkwo", "Adaeze", email="adaeze@example.org")
    stay = RoomStay(subject.rooms[0], subject.plans[0], FIRST, FIRST + 2, adults=2, total=24100, guests=(guest,))
    content = Content(currency=subject.site.currency, total=24100, stays=(stay,), booker=guest)
    return _deliver(number, Revision(number, kind, content, version=NOW_MS, created_ms=NOW_MS))


def _deliver(id_: str, revision: Revision) -> DeliverReservation:
    return DeliverReservation(
        id="conformance-delivery",
        at_ms=NOW_MS,
        reservation_id=id_,
        revision=revision,
        source=revision.channel,
        modified_ms=NOW_MS,
    )


# --- as many more as one likes ----------------------------------------------------------------------------------------

_VALUES: dict[Field, st.SearchStrategy[int]] = {
    Field.FIGURE: st.integers(0, 200),
    Field.FIGURE_BY: st.integers(-20, 20).filter(bool),
    **dict.fromkeys((Field.CLOSED, Field.CTA, Field.CTD), st.integers(0, 1)),
    **dict.fromkeys((Field.MIN_ARRIVAL, Field.MIN_THROUGH), st.integers(0, 7)),
    **dict.fromkeys((Field.MAX_ARRIVAL, Field.MAX_THROUGH), st.just(0) | st.integers(8, 90)),
    Field.LOS_CLOSED: st.integers(0, 2**32 - 1),
    Field.MIN_OFFSET_H: st.integers(0, 72),
    Field.MAX_OFFSET_H: st.just(0) | st.integers(100, 8000),
    **dict.fromkeys((Field.PRICE, Field.EXTRA_ADULT, Field.EXTRA_CHILD), st.integers(1, 10_000_000)),
}

# No line breaks and no spaces at the ends, which XML readers may normalise; markup and other scripts all the more.
_TEXT = st.text("aZ9 &<>'\"-éß中", min_size=1, max_size=12).map(str.strip).filter(bool)


def pushes(kind: type[Command], subject: Subject) -> st.SearchStrategy[Command]:
    """Pushes of one to four updates, each in a month of its own."""

    @st.composite
    def draw_push(draw: Callable[[st.SearchStrategy[object]], object]) -> Command:
        months = draw(st.lists(st.integers(0, SLOTS - 1), min_size=1, max_size=4, unique=True))
        assert isinstance(months, list)
        found = [draw(_updates(kind, subject, FIRST + SLOT_DAYS * month)) for month in months]
        return push(kind, [update for update in found if isinstance(update, AriUpdate)])

    return draw_push()


@st.composite
def _updates(draw: st.DrawFn, kind: type[Command], subject: Subject, month: Day) -> AriUpdate:
    declared = subject.declared
    some = draw(st.sampled_from(fields_of(kind, declared)))
    plan = draw(st.sampled_from(subject.plans)) if has_plan(some, declared) else ""
    alike = [f for f in fields_of(kind, declared) if has_plan(f, declared) == bool(plan)]
    fields = draw(st.lists(st.sampled_from(alike), min_size=1, max_size=4, unique=True))
    settings = [setting for field in fields for setting in draw(_settings(field, declared))]
    first = month + draw(st.integers(0, 15))
    prices = kind is PushRates
    return AriUpdate(
        room=draw(st.sampled_from(subject.rooms)),
        plan=plan,
        first=first,
        last=first + draw(st.integers(0, 14)),
        settings=tuple(settings),
        weekdays=draw(st.just(ALL_WEEK) | st.integers(1, ALL_WEEK)),
        currency=subject.site.currency if prices else "",
        net=draw(st.booleans()) if prices else False,
    )


@st.composite
def _settings(draw: st.DrawFn, field: Field, declared: Capabilities) -> list[Setting]:
    if field is not Field.PRICE or not declared.guests_max:
        return [Setting(field, draw(_VALUES[field]))]
    occupancies = st.integers(1, min(declared.guests_max, 6))
    guests = draw(st.lists(occupancies, min_size=1, max_size=3, unique=True))
    return [Setting(field, draw(_VALUES[field]), count) for count in guests]


@st.composite
def deliveries(draw: st.DrawFn, subject: Subject) -> DeliverReservation:
    """Reservations of one to three rooms whose totals add up."""
    kind = draw(st.sampled_from((RevisionKind.NEW, RevisionKind.MODIFY, RevisionKind.CANCEL)))
    stays = tuple(draw(st.lists(_stays(subject), min_size=1, max_size=3)))
    content = Content(
        currency=subject.site.currency,
        total=sum(stay.total or 0 for stay in stays),
        net=draw(st.booleans()),
        stays=stays,
        booker=draw(_guests()),
        comments=tuple(draw(st.lists(_TEXT, max_size=2, unique=True))),
    )
    booking = draw(st.sampled_from(("R-1001", "4711", "AB/12&3")))
    channel = draw(st.sampled_from(("", "OTA1")))
    return _deliver(booking, Revision(booking, kind, content, channel, NOW_MS, NOW_MS))


@st.composite
def _stays(draw: st.DrawFn, subject: Subject) -> RoomStay:
    arrival = FIRST + draw(st.integers(0, 300))
    ages = tuple(sorted(draw(st.lists(st.integers(2, 17), max_size=2))))  # Their order means nothing.
    nightly = tuple(draw(st.lists(st.integers(100, 90_000), min_size=1, max_size=5)))
    units = draw(st.integers(1, 2))
    return RoomStay(
        room=draw(st.sampled_from(subject.rooms)),
        plan=draw(st.sampled_from(subject.plans)),
        arrival=arrival,
        departure=arrival + len(nightly),
        units=units,
        adults=draw(st.integers(1, 3)),
        children=len(ages),
        child_ages=ages,
        nightly=nightly,
        total=sum(nightly) * units,
        guests=tuple(draw(st.lists(_guests(), max_size=1))),
    )


def _guests() -> st.SearchStrategy[Guest]:
    return st.builds(Guest, surname=_TEXT, given=_TEXT, city=st.just("") | _TEXT)
