"""Ours: searching all offers of a house, its availability, and the statements of a sale, from the stored rows."""

from functools import partial

from benchmarks import conditions
from benchmarks.datasets.ari import plan_codes, room_codes
from benchmarks.datasets.push import PushSet
from benchmarks.harness import Bench, Figures, Metric, cpu_and_wall, register
from benchmarks.house import House, hotel_toml
from benchmarks.processes import durable_directory
from benchmarks.push import calendar_rows, stock_rows
from gateway.engine.asking import Ask, Party
from gateway.engine.sale import Customer
from gateway.flows.selling import search, sell
from gateway.flows.selling.search import Line
from gateway.store.database import Transaction
from gateway.store.tables import CalendarRow, StockRow

SCOPE = "bench"
SEARCH_CPU_MS_MAX = 3.0
AVAILABILITY_MS_MAX = 5.0
CONFIRM_STATEMENTS_MAX = 12
DIRECT = '[[connections]]\nid = "site"\nrole = "direct"\n'
TERMS = """
[selling]
taxes = [
    { code = "VAT", percent = "10", included = true },
    { code = "CITY", amount = "1.50", per = "person_night" },
]
promotions = [{ code = "EARLY", percent = "10", advance_min_h = 240 }]
"""


def fill_house(house: House) -> None:
    """The full calendar of 20 room types × 10 plans over 500 days, every night of which can be sold."""
    wanted = PushSet()

    async def fill(tx: Transaction) -> None:
        await tx.upsert(CalendarRow, calendar_rows(wanted))
        await tx.upsert(StockRow, stock_rows(wanted))

    house.run(house.ours.services.database.write(fill))


def measure(kind: str) -> Figures:
    """CPU and time of one question, the database's part included."""
    first = conditions.FIRST_DATE.toordinal()
    toml = hotel_toml(room_codes(), plan_codes()) + DIRECT + TERMS
    with durable_directory() as directory, House(directory, toml) as house:
        fill_house(house)
        services = house.ours.services
        ask = Ask(first + 40, first + 43, Party(2))

        # They return little, because the runner writes the result down when it looks at its signal handler.
        async def searching() -> tuple[int, int]:
            found = await search.offers(services, SCOPE, ask, unoffered=True)
            return len(found.offers), len(found.unoffered)

        async def availability() -> int:
            return len((await search.availability(services, SCOPE, first, first + 499)).rooms)

        def search_once() -> None:
            offers, others = house.run(searching())
            assert offers + others == len(room_codes()) * len(plan_codes())
            assert offers > 20

        def look_once() -> None:
            assert house.run(availability()) == len(room_codes())

        return cpu_and_wall(search_once if kind == "search" else look_once)


def statements() -> Figures:
    """Of the batch that confirms a hold."""
    first = conditions.FIRST_DATE.toordinal()
    with durable_directory() as directory, House(directory, hotel_toml(room_codes(), plan_codes()) + DIRECT) as house:
        fill_house(house)
        services = house.ours.services
        counter = services.database.counter

        async def confirm() -> int:
            found = await search.offers(services, SCOPE, Ask(first + 40, first + 42, Party(2)))
            offer = max(found.offers, key=lambda each: each.left)
            lines = [Line(offer.room, offer.plan, Party(2))]
            row = await search.quote(services, SCOPE, first + 40, first + 42, lines, "bench")
            await sell.hold(services, SCOPE, row.sale_id, Customer(), "bench")
            before = counter.statements
            await sell.confirm(services, SCOPE, row.sale_id, "bench")
            # It asks for its hotel and its sale before: three statements of its own, without a lock.
            return counter.statements - before - 3

        return {"one_sale": house.run(confirm())}


def register_benches() -> None:
    """Bounded in absolute units: there is no floor for asking a house what it sells."""
    searching = (Metric("cpu_ms", "min", value_max=SEARCH_CPU_MS_MAX), Metric("wall_ms", "min"))
    availability = (Metric("cpu_ms", "min"), Metric("wall_ms", "min", value_max=AVAILABILITY_MS_MAX))
    confirming = (Metric("one_sale", value_max=CONFIRM_STATEMENTS_MAX),)
    title = "all offers of 20 room types × 10 plans for a stay"
    register(Bench("sell-search", title, searching, ours=partial(measure, "search")))
    title = "500-day availability of 20 room types"
    register(Bench("sell-availability", title, availability, ours=partial(measure, "availability")))
    register(Bench("sell-statements", "SQL statements of a confirmed sale", confirming, ours=statements, rounds=1))


register_benches()
