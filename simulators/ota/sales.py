"""Selling at the channel's desk: book, modify, cancel in its own state, and queue each revision for the gateway."""

import msgspec

from simulators.cells import Cells
from simulators.desk import Refusal, retry_after_s
from simulators.endpoint import Clock, Reply
from simulators.opentravel.res_answer import read_acknowledgement
from simulators.opentravel.stays import Card, Revision, Stay
from simulators.ota.bookings import Booking, Bookings, held_units
from simulators.ota.requests import BookRequest, CancelRequest, ChangeRequest, ResendRequest
from simulators.ota.sellable import nightly_prices, stays_refusals
from simulators.outbox import Item, Outbox

FORCED_PRICE = 10_000  # minor units per night, where a forced sale finds no stored price


class Sales:
    """Bookings over the stored cells. `counts_down`: own sales change the stored limits; `in_order`: one lane each."""

    def __init__(self, cells: Cells, outbox: Outbox, clock: Clock, name: str, prefix: str) -> None:
        self.cells, self.outbox, self.clock, self.name = cells, outbox, clock, name
        self.bookings = Bookings(prefix)
        self.counts_down = False
        self.in_order = True
        self._sent = 0

    def book(self, request: BookRequest) -> Booking:
        booking_id = request.booking_id or self.bookings.new_id()
        if booking_id in self.bookings.by_id:
            raise Refusal(f"{booking_id} exists already")
        stays = self._priced([one.stay() for one in request.stays], None, request.force)
        card = Card() if request.card is True else request.card or None
        revision = self._revision(booking_id, "new", stays)
        revision = msgspec.structs.replace(revision, guest=request.guest, card=card, comment=request.comment)
        return self._keep(revision, None, request.deliver)

    def modify(self, request: ChangeRequest) -> Booking:
        latest = self._open(request.booking_id).latest
        stays = self._priced([one.stay() for one in request.stays], latest, request.force)
        revision = self._revision(request.booking_id, "modify", stays, latest)
        if request.guest is not None:
            revision.guest = request.guest
        revision.comment = request.comment or revision.comment
        return self._keep(revision, latest, request.deliver)

    def cancel(self, request: CancelRequest) -> Booking:
        latest = self._open(request.booking_id).latest
        revision = self._revision(request.booking_id, "cancel", latest.stays, latest)
        return self._keep(revision, latest, request.deliver)

    def resend(self, request: ResendRequest) -> Booking:
        booking = self._known(request.booking_id)
        index = request.index if request.index is not None else len(booking.history) - 1
        if not 0 <= index < len(booking.history):
            raise Refusal(f"{request.booking_id} has no revision {index}")
        self._queue(request.booking_id, index, own_lane=True)
        return booking

    def settle(self, item: Item, reply: Reply | None, why: str, now: float) -> None:
        """Book the gateway's answer to one revision; anything but a Success is tried again."""
        booking = self._known(str(item.about["booking_id"]))
        ack = booking.history[int(str(item.about["index"]))].ack
        ack.attempts += 1
        ack.first_sent_at = ack.first_sent_at or now
        ack.status, ack.why = (reply.status, "") if reply else (0, why)
        if reply is not None and reply.status == 200:
            answer = read_acknowledgement(reply.body)
            ack.why = answer.why
            if answer.taken:
                ack.state, ack.ids, ack.acknowledged_at = "acknowledged", answer.ids, now
                self.outbox.ended(item)
                return
            if not self.outbox.retry.on_errors:
                ack.state = "gave_up"
                self.outbox.ended(item)
                return
        if not self.outbox.failed(item, now, retry_after_s(reply)) and ack.state == "pending":
            ack.state = "gave_up"

    def _known(self, booking_id: str) -> Booking:
        booking = self.bookings.by_id.get(booking_id)
        if booking is None:
            raise Refusal(f"{booking_id} is unknown")
        return booking

    def _open(self, booking_id: str) -> Booking:
        booking = self._known(booking_id)
        if booking.cancelled():
            raise Refusal(f"{booking_id} is cancelled")
        return booking

    def _priced(self, stays: list[Stay], latest: Revision | None, force: bool) -> list[Stay]:
        """The stays with their nightly prices, if they may be sold."""
        failed = stays_refusals(self.cells, stays, held_units(latest), self.clock())
        if failed and not force:
            raise Refusal("not sellable: " + ", ".join(failed))
        for stay in stays:
            nights = stay.departure - stay.arrival
            stay.nightly = stay.nightly or nightly_prices(self.cells, stay) or [FORCED_PRICE] * nights
        return stays

    def _revision(self, booking_id: str, kind: str, stays: list[Stay], latest: Revision | None = None) -> Revision:
        version = self.bookings.next_version(booking_id, self.clock())
        if latest is not None:
            return msgspec.structs.replace(latest, kind=kind, version=version, stays=stays)
        return Revision(booking_id, kind, version, version, stays, source=self.name)

    def _keep(self, revision: Revision, latest: Revision | None, deliver: bool) -> Booking:
        if self.counts_down:
            for (room, day), units in held_units(latest).items():
                self.cells.adjust_limit(room, day, units)
            for (room, day), units in held_units(revision).items():
                self.cells.adjust_limit(room, day, -units)
        index = self.bookings.add(revision)
        if deliver:
            self._queue(revision.booking_id, index, own_lane=not self.in_order)
        return self.bookings.by_id[revision.booking_id]

    def _queue(self, booking_id: str, index: int, own_lane: bool) -> None:
        self._sent += 1
        # Keys carry the clock so that they stay distinct from those of a state restored from disk.
        key = f"{booking_id}#{index}#{self._sent}@{self.clock():.6f}"
        about: dict[str, object] = {"booking_id": booking_id, "index": index}
        self.outbox.put(Item(key, key if own_lane else booking_id, about))
