"""Queues what the PMS publishes, and books the answers.

A waiting message holds scopes, and its values are read when it is sent, so that a retry never sends old figures last.
Two exceptions are the point of this simulator: with `figure_delay_s` the first attempt carries the figure computed at
the time, and a figure of `compute_figure` is sent as it was, whenever it is released.
"""

from collections import deque
from typing import Any

import msgspec

from simulators.cells import Cells
from simulators.config import PmsOptions
from simulators.desk import Refusal, retry_after_s
from simulators.endpoint import Clock, Reply
from simulators.opentravel.days import day_of, stamp, to_day, to_text
from simulators.opentravel.res_answer import read_acknowledgement
from simulators.opentravel.vocabulary import Vocabulary
from simulators.outbox import Item, Outbox
from simulators.pms.figures import Scope, message, packed, touched_scopes
from simulators.pms.house import House
from simulators.pms.requests import FigureRequest, PublishRequest

ENDED_MAX = 1000


class Publisher:
    """`parked` are figures computed but not sent; `ended` the last outcomes: key, at, status, why, acknowledged."""

    def __init__(self, house: House, cells: Cells, names: Vocabulary, outbox: Outbox, clock: Clock) -> None:
        self.house, self.cells, self.names, self.outbox, self.clock = house, cells, names, outbox, clock
        self.options = PmsOptions()
        self.parked: dict[str, Item] = {}
        self.ended: deque[dict[str, object]] = deque(maxlen=ENDED_MAX)
        self._count = 0

    def publish(self, request: PublishRequest) -> int:
        """Queue messages for what is asked; how many."""
        today = day_of(self.clock())
        first = to_day(request.first) if request.first else today
        last = to_day(request.last) if request.last else today + self.options.horizon_days
        queued = 0
        for what in request.what:
            if what not in ("limits", "rules", "rates"):
                raise ValueError(f"{what} cannot be published")
            queued += self.queue([Scope(what, room, plan, first, last) for room, plan in self._products(what, request)])
        return queued

    def queue(self, scopes: list[Scope]) -> int:
        """Queue scopes of one kind in as many messages as their parts need."""
        groups = list(packed(scopes, self.options.parts_max, self.house, self.cells))
        for group in groups:
            item = self._item(group)
            if group[0].what == "limits" and self.options.figure_delay_s:
                item.body = self._body(group, item.key).decode()
                item.not_before = self.clock() + self.options.figure_delay_s
            self.outbox.put(item)
        return len(groups)

    def echo(self, touched: set[tuple[str, int]]) -> None:
        """Queue the figures of touched nights."""
        self.queue(touched_scopes(touched))

    def compute(self, request: FigureRequest) -> dict[str, Any]:
        """Compute a figure now and keep it until `release`."""
        rooms = [request.room] if request.room else list(self.house.units)
        first, last = to_day(request.first), to_day(request.last)
        scopes = [Scope("limits", room, "", first, last) for room in rooms]
        item = self._item(scopes)
        # A lane of its own: it may overtake and be overtaken.
        item.lane, item.frozen, item.body = item.key, True, self._body(scopes, item.key).decode()
        self.parked[item.key] = item
        ranges = {room: self.house.left_ranges(room, first, last) for room in rooms}
        values = {room: [[to_text(a), to_text(b), left] for a, b, left in found] for room, found in ranges.items()}
        return {"figure_id": item.key, "values": values}

    def release(self, figure_id: str) -> None:
        item = self.parked.pop(figure_id, None)
        if item is None:
            raise Refusal(f"{figure_id} is unknown")
        self.outbox.put(item)

    def build(self, item: Item, now: float) -> bytes:
        fixed = item.fixed_body()
        if fixed is not None:
            return fixed
        scopes = msgspec.convert(item.about["scopes"], list[Scope])
        return message(scopes, self.house, self.cells, self.names, f"{item.key}.{item.attempts + 1}", stamp(now))

    def settle(self, item: Item, reply: Reply | None, why: str, now: float) -> None:
        taken = False
        if reply is not None and reply.status == 200:
            answer = read_acknowledgement(reply.body)
            taken, why = answer.taken, answer.why
        final = taken or (reply is not None and reply.status == 200 and not self.outbox.retry.on_errors)
        if final:
            self.outbox.ended(item)
        elif self.outbox.failed(item, now, retry_after_s(reply)):
            return
        status = reply.status if reply else 0
        self.ended.append({"key": item.key, "at": now, "status": status, "why": why, "acknowledged": taken})

    def _products(self, what: str, request: PublishRequest) -> list[tuple[str, str]]:
        rooms = [room for room in self.house.units if request.room in (None, room)]
        if what == "limits":
            return [(room, "") for room in rooms]
        products = [(room, plan) for room in rooms for plan in sorted(self.names.plans_of_room[room])]
        if what == "rules":
            # Restrictions of a room type as a whole are sent only where some are stored.
            products += [(room, "") for room in rooms if (room, "") in self.cells.products]
        return [(room, plan) for room, plan in products if request.plan in (None, plan)]

    def _item(self, scopes: list[Scope]) -> Item:
        self._count += 1
        kind = "limits" if scopes[0].what == "limits" else "ari"
        # Keys carry the clock so that they stay distinct from those of a state restored from disk.
        key = f"{kind}-{self._count}@{self.clock():.6f}"
        return Item(key, kind, {"scopes": [msgspec.to_builtins(scope) for scope in scopes]})

    def _body(self, scopes: list[Scope], key: str) -> bytes:
        return message(scopes, self.house, self.cells, self.names, f"{key}.1", stamp(self.clock()))
