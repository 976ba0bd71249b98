"""Where a reservation that was oversold could go."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.engine.hotel import Hotel
from gateway.engine.linked import Counts
from gateway.engine.nights import Cell, Nights, RoomNights, normalise, per_night
from gateway.engine.stock import FIGURE, HELD, SOLD, UNSEEN, open_stock
from gateway.model.dates import BLOCK_DAYS, Day, blocks_of
from gateway.store import pushing
from gateway.store.database import Transaction

_ANY = "any"


async def rooms_that_fit(tx: Transaction, hotel: Hotel, nights: Mapping[str, Nights]) -> dict[str, tuple[str, ...]]:
    """For each of the reservations, the room types it takes nothing of and that have enough rooms free for all of it.

    One statement, if there are any.
    """
    links = hotel.links
    blocks = {block for runs in nights.values() for run in runs for block in blocks_of(run.arrival, run.departure - 1)}
    keys = [(hotel.property.id, room, block) for room in hotel.rooms for block in sorted(blocks)]
    nothing = open_stock(None)
    stock = {(row.room, row.block): open_stock(row.body) for row in await pushing.stock_rows(tx, keys)}

    def counts(cell: Cell) -> Counts:
        row, slot = stock.get((cell[0], cell[1] // BLOCK_DAYS), nothing), cell[1] % BLOCK_DAYS
        return row[FIGURE + slot], row[SOLD + slot], row[UNSEEN + slot], row[HELD + slot]

    def left(room: str, day: Day) -> int:
        return links.left(hotel.figure_kind, (room, day), counts)

    found = {}
    for number, runs in nights.items():
        sold = links.sold(runs)
        wanted = per_night(normalise(RoomNights(_ANY, run.arrival, run.departure, run.units) for run in sold))
        taken = {run.room for run in runs}
        found[number] = tuple(
            room
            for room in hotel.rooms
            if room not in taken and all(left(room, day) >= units for (_, day), units in wanted.items())
        )
    return found
