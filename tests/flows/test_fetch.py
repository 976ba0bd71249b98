"""Channels that wait to be asked for their reservations: taken and committed first, confirmed afterwards."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from gateway.contract import Decoded, Refused, Reply, Request, Site
from gateway.flows.fetch import Fetcher
from gateway.messages import Command, ConfirmReservations, ReservationReceived, RetrieveReservations
from gateway.model.reservation import Revision
from gateway.store.tables import MessageRow, ReservationRow
from gateway.store.tables_connections import RetrievalRow
from tests.flows.house import House, channel, down, hotel, new, pms, rejecting, stay, unanswered
from tests.simulation.plain import PlainConnector, PlainPage

EVERY_S = 60.0


@pytest.fixture
async def asking(house: House) -> House:
    await house.apply(hotel(pms(), channel("ota", "asked")))
    await house.open_for_sale()
    return house


def page(*revisions: Revision, more: bool = False, hotel: str = "OTA") -> Callable[[Callable[[], None]], Reply]:
    events = [ReservationReceived(hotel, revision) for revision in revisions]
    return lambda apply: Reply(200, {}, msgspec.json.encode(PlainPage(events, more)))


async def fetch(house: House) -> None:
    fetcher = Fetcher(house.services)
    await fetcher.round()
    await fetcher.errands.idle()


def said(house: House) -> list[object]:
    return [c for _, c in house.wire.sent if isinstance(c, RetrieveReservations | ConfirmReservations)]


async def row(house: House) -> RetrievalRow:
    (found,) = await house.rows(RetrievalRow)
    assert isinstance(found, RetrievalRow)
    return found


async def test_what_is_fetched_is_taken_and_confirmed_with_our_number(asking: House) -> None:
    asking.wire.answers["ota"] = [page(new(stay(2, 5)), new(stay(2, 3), booking="B2"))]
    await fetch(asking)
    assert await asking.sold("DBL") == {2: 2, 3: 1, 4: 1}
    asked, confirmed = said(asking)
    assert isinstance(asked, RetrieveReservations)
    assert isinstance(confirmed, ConfirmReservations)
    numbers = {r.booking_id: r.reservation_id for r in await asking.rows(ReservationRow)}
    assert {c.booking_id: c.reservation_id for c in confirmed.confirmations} == numbers


async def test_it_is_committed_before_it_is_confirmed(asking: House) -> None:
    known: list[int] = []

    async def look(url: str) -> None:
        if isinstance(asking.wire.sent[-1][1], ConfirmReservations):
            known.append(len(await asking.rows(ReservationRow)))

    asking.wire.meanwhile = look
    asking.wire.answers["ota"] = [page(new(stay(2, 5)))]
    await fetch(asking)
    assert known == [1]


async def test_given_again_after_a_lost_confirmation_it_has_no_second_effect(asking: House) -> None:
    asking.wire.answers["ota"] = [page(new(stay(2, 5))), unanswered, page(new(stay(2, 5)))]
    await fetch(asking)
    assert (await row(asking)).failures == 1
    asking.clock.pass_s(EVERY_S)
    await fetch(asking)
    assert await asking.sold("DBL") == {2: 1, 3: 1, 4: 1}
    assert len([c for c in said(asking) if isinstance(c, ConfirmReservations)]) == 2
    assert (await row(asking)).failures == 0


async def test_every_page_is_asked_for(asking: House) -> None:
    asking.wire.answers["ota"] = [
        page(new(stay(2, 3)), more=True),
        lambda apply: Reply(200, {}, b"{}"),
        page(new(stay(2, 3), booking="B2")),
    ]
    await fetch(asking)
    assert await asking.sold("DBL") == {2: 2}


async def test_it_is_asked_again_in_its_time(asking: House) -> None:
    asking.wire.answers["ota"] = [page(), page()]
    await fetch(asking)
    await fetch(asking)
    assert len(said(asking)) == 1
    asking.clock.pass_s(EVERY_S)
    await fetch(asking)
    assert len(said(asking)) == 2


async def test_an_empty_answer_leaves_no_line_in_the_log(asking: House) -> None:
    before = len(await asking.rows(MessageRow))
    asking.wire.answers["ota"] = [page()]
    await fetch(asking)
    assert len(await asking.rows(MessageRow)) == before


@pytest.mark.parametrize("answer", [down, rejecting])
async def test_a_failure_is_kept_with_its_reason_and_tried_again(asking: House, answer: object) -> None:
    asking.wire.answers["ota"] = [answer] * 3  # type: ignore[list-item]
    await fetch(asking)
    kept = await row(asking)
    assert kept.failures == 1
    assert kept.error
    assert kept.done_ms == 0
    asking.clock.pass_s(EVERY_S)
    asking.wire.answers["ota"] = [page(new(stay(2, 3)))]
    await fetch(asking)
    assert (await row(asking)).error == ""
    assert await asking.sold("DBL") == {2: 1}


async def test_one_that_cannot_be_taken_is_told_so_and_does_not_keep_the_others(asking: House) -> None:
    def answer(apply: Callable[[], None]) -> Reply:
        events = [
            ReservationReceived("ELSEWHERE", new(stay(2, 3))),
            ReservationReceived("OTA", new(stay(2, 3), booking="B2")),
        ]
        return Reply(200, {}, msgspec.json.encode(PlainPage(events)))

    asking.wire.answers["ota"] = [answer]
    await fetch(asking)
    (confirmed,) = (c for c in said(asking) if isinstance(c, ConfirmReservations))
    errors = {c.booking_id: bool(c.error) for c in confirmed.confirmations}
    assert errors == {"B1": True, "B2": False}
    refused = await asking.rows(MessageRow, "scope_id = 'h' AND outcome = 'refused'")
    assert [each.connection for each in refused] == ["ota"]


async def test_a_channel_that_is_disabled_is_asked_no_longer(asking: House) -> None:
    await asking.apply(hotel(pms(), channel("ota", "asked", enabled=False)))
    await fetch(asking)
    assert said(asking) == []
    assert await asking.rows(RetrievalRow) == []


async def test_confirmations_that_do_not_fit_into_one_message_follow_in_another(
    asking: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = PlainConnector.encode

    def one_at_a_time(self: PlainConnector, command: Command, site: Site) -> Request:
        return msgspec.structs.replace(whole(self, command, site), parts=1)

    monkeypatch.setattr(PlainConnector, "encode", one_at_a_time)
    asking.wire.answers["ota"] = [page(new(stay(2, 3)), new(stay(2, 3), booking="B2"))]
    await fetch(asking)
    sent = [
        [c.booking_id for c in each.confirmations] for each in said(asking) if isinstance(each, ConfirmReservations)
    ]
    assert sent == [["B1", "B2"], ["B2"]]


async def test_one_that_cannot_be_read_is_a_problem_but_does_not_hold_up_the_others(
    asking: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = PlainConnector.decode

    def half_read(self: PlainConnector, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        decoded = whole(self, command, request, reply, site)
        unread = isinstance(command, RetrieveReservations)
        return msgspec.structs.replace(decoded, outcome=Refused("1", "no dates")) if unread else decoded

    monkeypatch.setattr(PlainConnector, "decode", half_read)
    asking.wire.answers["ota"] = [page(new(stay(2, 3)))]
    await fetch(asking)
    assert await asking.sold("DBL") == {2: 1}
    assert (await row(asking)).error == "1: no dates"


async def test_who_is_taken_out_while_asked_is_asked_no_more(asking: House) -> None:
    async def meanwhile(url: str) -> None:
        asking.wire.meanwhile = None
        await asking.apply(hotel(pms(), channel("ota", "plain")))

    asking.wire.meanwhile = meanwhile
    asking.wire.answers["ota"] = [page()]
    await fetch(asking)
    assert len(said(asking)) == 1
    assert await asking.rows(RetrievalRow) == []


async def test_who_is_taken_out_and_back_in_while_asked_is_asked_at_once(asking: House) -> None:
    async def meanwhile(url: str) -> None:
        asking.wire.meanwhile = None
        asking.clock.pass_s(1)
        for profile in ("plain", "asked"):
            await asking.apply(hotel(pms(), channel("ota", profile)))

    asking.wire.meanwhile = meanwhile
    asking.wire.answers["ota"] = [page()]
    await fetch(asking)
    assert await row(asking) == RetrievalRow("h", "ota", asking.clock.now_ms(), 0, 0, "")
