"""Our side as the client: what we send is valid and keeps the rules, and answers are understood."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from connectors.opentravel.alpinebits import CONNECTOR, rules
from connectors.opentravel.alpinebits.terms import VERSIONS, Terms
from gateway.contract import Agreed, Capabilities, Confirmed, Refused, Reply
from gateway.errors import OutcomeUnknown, Retryable, Unsupported
from gateway.messages import (
    Command,
    Confirmation,
    ConfirmReservations,
    DeliverReservation,
    Ping,
    PushAvailability,
    PushRates,
    ReservationReceived,
    RetrieveReservations,
)
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import ALL_WEEK, parse_day
from gateway.model.reservation import RevisionKind
from gateway.testing.subject import NOW_MS
from gateway.wire.multipart_form import read_parts
from gateway.wire.xml import read_tree
from tests.connectors.opentravel.alpinebits.examples import EVERYTHING, body_of
from tests.connectors.opentravel.alpinebits.schemas import faults, needed
from tests.connectors.opentravel.alpinebits.test_server import _booking, site_of

FIRST = parse_day("2031-01-06")
WEEKEND = 0b1100000
XML = {"content-type": "application/xml"}


def _update(
    plan: str, *settings: Setting, weekdays: int = ALL_WEEK, room: str = "DBL", start: int = FIRST
) -> AriUpdate:
    return AriUpdate(room, plan, start, start + 13, settings, weekdays, "EUR" if plan else "")


def _deliver(kind: RevisionKind) -> DeliverReservation:
    one = _booking("R-1", kind)
    return DeliverReservation(
        id="d", at_ms=NOW_MS, reservation_id="R-1", revision=one.revision, source="ota", modified_ms=NOW_MS
    )


FIGURES = PushAvailability(
    id="a",
    at_ms=NOW_MS,
    updates=(
        _update("", Setting(Field.FIGURE, 4)),
        _update("", Setting(Field.FIGURE, 0), weekdays=WEEKEND, room="SUI"),
    ),
)
RULES = PushAvailability(
    id="b",
    at_ms=NOW_MS,
    updates=(
        _update("FLEX", *(Setting(field, 1) for field in (Field.CLOSED, Field.CTA, Field.CTD))),
        _update("FLEX", Setting(Field.MIN_ARRIVAL, 2), Setting(Field.MAX_THROUGH, 9), weekdays=WEEKEND, room="SUI"),
        _update("BB", Setting(Field.CLOSED, 0)),
    ),
)
PRICES = PushRates(
    id="c",
    at_ms=NOW_MS,
    updates=(
        _update("FLEX", Setting(Field.PRICE, 12000, 1), Setting(Field.PRICE, 18000, 2), Setting(Field.EXTRA_ADULT, 0)),
        _update("FLEX", Setting(Field.PRICE, 24000, 2), room="SUI", weekdays=WEEKEND),
    ),
)
CONFIRM = ConfirmReservations(
    id="e",
    at_ms=NOW_MS,
    confirmations=(
        Confirmation("WEB-1", RevisionKind.NEW, "R-1"),
        Confirmation("WEB-2", RevisionKind.CANCEL, "R-2"),
        Confirmation("WEB-3", RevisionKind.NEW, "", error="no such room <&>"),
    ),
)
READ = RetrieveReservations(id="f", at_ms=NOW_MS)
COMMANDS: list[Command] = [
    Ping(id="p", at_ms=NOW_MS),
    FIGURES,
    RULES,
    PRICES,
    *(_deliver(kind) for kind in (RevisionKind.NEW, RevisionKind.MODIFY, RevisionKind.CANCEL)),
    READ,
    RetrieveReservations(id="g", at_ms=NOW_MS, since_ms=NOW_MS),
    CONFIRM,
]


def _sent(command: Command, version: str, **options: Any) -> tuple[str, bytes, int]:
    """Action, message and how many parts are in it."""
    request = CONNECTOR.encode(command, site_of(version, **({"rate_basis": "person"} | options)))
    assert request.headers["x-alpinebits-clientprotocolversion"] == version
    assert request.headers["x-alpinebits-clientid"]
    assert request.headers["authorization"].startswith("Basic ")
    parts = read_parts(request.headers["content-type"], request.body)
    return parts["action"].decode(), parts["request"], request.parts


@needed
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{type(command).__name__}-{command.id}")
def test_what_we_send_is_valid_and_keeps_the_rules(command: Command, version: str) -> None:
    action, body, _ = _sent(command, version)
    assert faults(body, version) == []
    root = read_tree(body)
    terms = Terms(version, EVERYTHING, negotiated=True)
    assert rules.check(root, action, terms) == ()


def test_a_price_per_person_is_divided() -> None:
    _, body, _ = _sent(PRICES, "2022-10")
    assert b'NumberOfGuests="2" AgeQualifyingCode="10" AmountAfterTax="90.00"' in body
    _, body, _ = _sent(PRICES, "2022-10", rate_basis="room")
    assert b'NumberOfGuests="2" AgeQualifyingCode="10" AmountAfterTax="180.00"' in body
    for basis in ("", "both"):
        with pytest.raises(Unsupported, match="rate_basis"):
            _sent(PRICES, "2022-10", rate_basis=basis)
    odd = PushRates(id="o", at_ms=NOW_MS, updates=(_update("FLEX", Setting(Field.PRICE, 10001, 2)),))
    with pytest.raises(Unsupported, match="divided"):
        _sent(odd, "2022-10")


def test_an_amount_that_is_taken_away_is_left_out() -> None:
    update = PRICES.updates[0]
    gone = msgspec.structs.replace(update, settings=(*update.settings[:1], Setting(Field.EXTRA_ADULT, -1)))
    _, body, _ = _sent(msgspec.structs.replace(PRICES, updates=(gone,)), "2022-10")
    assert b"BaseByGuestAmt " in body
    assert b"AdditionalGuestAmount" not in body
    alone = msgspec.structs.replace(update, settings=(Setting(Field.EXTRA_ADULT, -1),))
    with pytest.raises(Unsupported):
        _sent(msgspec.structs.replace(PRICES, updates=(alone,)), "2022-10")


def test_some_days_of_the_week_are_periods_of_their_own() -> None:
    _, body, parts = _sent(FIGURES, "2024-10")
    assert parts == 2
    assert body.count(b'InvTypeCode="SUI"') == 2
    assert b'Start="2031-01-11" End="2031-01-12" InvTypeCode="SUI"' in body


def test_an_update_for_no_night_says_nothing() -> None:
    nowhere = AriUpdate("SUI", "BB", FIRST, FIRST, (Setting(Field.CLOSED, 1),), WEEKEND)
    with pytest.raises(Unsupported, match="no night"):
        _sent(PushAvailability(id="x", at_ms=NOW_MS, updates=(nowhere,)), "2024-10")
    _, body, parts = _sent(PushAvailability(id="x", at_ms=NOW_MS, updates=(*RULES.updates, nowhere)), "2024-10")
    assert (parts, body.count(b'RatePlanCode="BB"'), body.count(b'Code="SUI"')) == (4, 1, 2)


def test_a_request_carries_the_updates_of_one_aspect() -> None:
    both = PushAvailability(id="x", at_ms=NOW_MS, updates=(*FIGURES.updates, *RULES.updates))
    action, _, parts = _sent(both, "2024-10")
    assert (action, parts) == ("OTA_HotelInvCountNotif:FreeRooms", 2)
    assert _sent(PushAvailability(id="x", at_ms=NOW_MS, updates=RULES.updates), "2024-10")[0].endswith(":RatePlans")


def test_a_child_of_unknown_age_needs_one() -> None:
    command = _deliver(RevisionKind.NEW)
    stay = msgspec.structs.replace(command.revision.content.stays[0], child_ages=())
    content = msgspec.structs.replace(command.revision.content, stays=(stay,))
    unknown = msgspec.structs.replace(command, revision=msgspec.structs.replace(command.revision, content=content))
    with pytest.raises(Unsupported, match="child_age"):
        _sent(unknown, "2022-10")
    assert b'Count="1" Age="7"' in _sent(unknown, "2022-10", child_age=7)[1]


def test_the_meal_plan_comes_from_the_connection() -> None:
    command = _deliver(RevisionKind.NEW)
    for meals, code in (
        ({}, "14"),
        ({"FLEX": "12", "*": "3"}, "12"),
        ({"*": "3"}, "3"),
        ({"*": 10}, "10"),
        ({"*": "half board"}, "12"),
    ):
        assert f'MealPlanCodes="{code}"'.encode() in _sent(command, "2022-10", meals=meals)[1]


@pytest.mark.parametrize("meals", ["4", "buffet breakfast", "99", "brunch"])
def test_meals_without_a_place_in_alpinebits_are_not_sent(meals: str) -> None:
    with pytest.raises(Unsupported, match=meals):
        _sent(_deliver(RevisionKind.NEW), "2022-10", meals={"*": meals})


# --- answers ----------------------------------------------------------------------------------------------------------


def _decoded(command: Command, reply: Reply, version: str = "2022-10") -> Any:
    site = site_of(version, rate_basis="person")
    return CONNECTOR.decode(command, CONNECTOR.encode(command, site), reply, site)


def _answer(example: str) -> Reply:
    return Reply(200, XML, body_of(example))


@pytest.mark.parametrize(
    ("command", "root"),
    [(FIGURES, "OTA_HotelInvCountNotifRS"), (RULES, "OTA_HotelRatePlanNotifRS"), (PRICES, "OTA_HotelRatePlanNotifRS")],
)
def test_pushes_are_confirmed_or_refused(command: Command, root: str) -> None:
    assert _decoded(command, _answer(f"2022-10/{root}/success")).outcome == Confirmed()
    assert _decoded(command, _answer(f"2022-10/{root}/advisory")).outcome == Confirmed()
    assert _decoded(command, _answer(f"2022-10/{root}/error")).outcome == Refused("402", "there is no room type SUI")
    serious = body_of(f"2022-10/{root}/advisory").replace(b'Type="11"', b'Type="3"')
    assert isinstance(_decoded(command, Reply(200, XML, serious)).outcome, Refused)


def test_plain_errors_and_strange_answers() -> None:
    assert _decoded(FIGURES, Reply(400, {}, b"ERROR:unknown action")).outcome == Refused("400", "unknown action")
    assert _decoded(FIGURES, Reply(200, {}, b"ERROR:[1] no")).outcome == Refused("200", "[1] no")
    with pytest.raises(Retryable):
        _decoded(FIGURES, Reply(503, {}, b"ERROR:later"))
    with pytest.raises(OutcomeUnknown):
        _decoded(FIGURES, Reply(500, {}, b"ERROR:what"))
    for body in (b"", b"OK", b"<a/>", body_of("2022-10/OTA_HotelRatePlanNotifRS/success")):
        with pytest.raises(OutcomeUnknown):
            _decoded(FIGURES, Reply(200, XML, body))


def test_a_delivery_is_taken_or_not() -> None:
    command = _deliver(RevisionKind.NEW)
    taken = body_of("2022-10/OTA_HotelResNotifRS/taken").replace(b"WEB-7781", b"R-1")
    assert _decoded(command, Reply(200, XML, taken)).outcome == Confirmed("R-1")
    refused = body_of("2022-10/OTA_HotelResNotifRS/taken").replace(b"WEB-7779", b"R-1")
    assert _decoded(command, Reply(200, XML, refused)).outcome == Refused("450", "no such booking")
    with pytest.raises(OutcomeUnknown):
        _decoded(command, _answer("2022-10/OTA_HotelResNotifRS/taken"))


def test_what_is_retrieved_arrives_with_its_confirmation() -> None:
    decoded = _decoded(READ, _answer("2022-10/OTA_ResRetrieveRS/modified-and-cancelled"))
    assert decoded.outcome == Confirmed()
    kinds = [arrived.event.revision.kind for arrived in decoded.events]
    assert kinds == [RevisionKind.MODIFY, RevisionKind.CANCEL]
    for arrived in decoded.events:
        assert isinstance(arrived.event, ReservationReceived)
        (confirmation,) = arrived.acknowledge.confirmations
        assert (confirmation.booking_id, confirmation.kind) == (
            arrived.event.revision.booking_id,
            arrived.event.revision.kind,
        )
    assert _decoded(READ, _answer("2022-10/OTA_ResRetrieveRS/nothing")).events == ()
    assert isinstance(_decoded(READ, _answer("2022-10/OTA_ResRetrieveRS/error")).outcome, Refused)


def test_confirmations_are_parts() -> None:
    decoded = _decoded(CONFIRM, _answer("2022-10/OTA_NotifReportRS/success"))
    assert (decoded.outcome, decoded.parts) == (Confirmed(), {})
    warning = b'<Success/><Warnings><Warning Type="3" RecordID="WEB-2">unknown</Warning></Warnings>'
    body = body_of("2022-10/OTA_NotifReportRS/success").replace(b"<Success/>", warning)
    assert _decoded(CONFIRM, Reply(200, XML, body)).parts == {1: Refused("3", "unknown")}


def test_a_handshake_finds_the_version() -> None:
    ping = Ping(id="p", at_ms=NOW_MS)
    assert _decoded(ping, _answer("2022-10/OTA_PingRS/handshake")).outcome == Confirmed("2022-10")
    found = _decoded(ping, _answer("2024-10/OTA_PingRS/handshake"), "2024-10")
    assert found.agreed is not None
    assert found.agreed.version == "2022-10"
    assert _decoded(ping, _pong({"versions": [{"version": "2017-10"}]})).outcome == Refused(
        "", "no version in common: it names 2017-10, here it is 2022-10 at most"
    )
    assert isinstance(_decoded(ping, _answer("2022-10/OTA_PingRS/nothing-in-common")).outcome, Refused)
    with pytest.raises(OutcomeUnknown):
        _decoded(ping, Reply(200, XML, body_of("2022-10/OTA_PingRS/handshake").replace(b"ALPINEBITS_HANDSHAKE", b"X")))


FREE_ROOMS = "OTA_HotelInvCountNotif_accept_"
RATE_PLANS = "OTA_HotelRatePlanNotif_accept_"


def _pong(offer: Any) -> Reply:
    said = f'<Warnings><Warning Type="11" Status="ALPINEBITS_HANDSHAKE">{json.dumps(offer)}</Warning></Warnings>'
    root = f'<OTA_PingRS xmlns="http://www.opentravel.org/OTA/2003/05" Version="8.000"><Success/>{said}</OTA_PingRS>'
    return Reply(200, XML, root.encode())


def _offer(version: str, **actions: list[str]) -> Any:
    return {"version": version, "actions": [{"action": name, "supports": some} for name, some in actions.items()]}


def _agreed(*versions: Any, profile: str = "2024-10") -> tuple[Agreed | None, Capabilities | None]:
    decoded = _decoded(Ping(id="p", at_ms=NOW_MS), _pong({"versions": list(versions)}), profile)
    capabilities = decoded.agreed and CONNECTOR.negotiated(f"alpinebits-{profile}", decoded.agreed)
    return decoded.agreed, capabilities


@pytest.mark.parametrize(
    ("version", "supports", "deltas", "sets"),
    [
        ("2024-10", ["deltas", "complete_set"], True, True),
        ("2024-10", ["deltas"], True, False),
        ("2024-10", ["complete_set"], False, True),
        ("2024-10", [], False, True),
        ("2020-10", ["deltas"], True, True),
        ("2020-10", [], False, True),
    ],
)
def test_what_it_takes_decides_between_deltas_and_complete_sets(
    version: str, supports: list[str], deltas: bool, sets: bool
) -> None:
    names = [FREE_ROOMS + name for name in ("categories", *supports)]
    agreed, capabilities = _agreed(_offer(version, action_OTA_HotelInvCountNotif=names))
    assert agreed is not None
    assert agreed.version == version
    assert capabilities is not None
    assert (capabilities.deltas, capabilities.complete_sets) == (deltas, sets)
    assert capabilities.fields == {Field.FIGURE}


def test_the_highest_version_in_common_counts_and_only_what_both_have() -> None:
    old = _offer("2018-10", action_OTA_HotelAvailNotif=["OTA_HotelAvailNotif_accept_categories", "X_only_theirs"])
    new = _offer("2020-10", action_OTA_HotelInvCountNotif=[FREE_ROOMS + "categories", FREE_ROOMS + "rooms"])
    assert _agreed(old, new, {"version": "2031-10"})[0] == Agreed(
        "2020-10", ("action_OTA_HotelInvCountNotif", FREE_ROOMS + "categories")
    )
    assert _agreed(old, new, profile="2018-10")[0] == Agreed(
        "2018-10", ("action_OTA_HotelAvailNotif", "OTA_HotelAvailNotif_accept_categories")
    )


def test_rules_and_prices_are_left_out_where_they_are_not_taken() -> None:
    def fields(*supports: str) -> frozenset[Field]:
        names = [RATE_PLANS + name for name in supports]
        free_rooms = {"action_OTA_HotelInvCountNotif": [FREE_ROOMS + "categories"]}
        found = _agreed(_offer("2024-10", **free_rooms, action_OTA_HotelRatePlanNotif_RatePlans=names))[1]
        assert found is not None
        return found.fields

    prices = {Field.FIGURE, Field.PRICE, Field.EXTRA_ADULT}
    assert fields("RatePlan_RoomType_BookingRule") == {Field.FIGURE}
    assert fields("overlay", "RatePlan_BookingRule", "ArrivalDOW") == prices
    rules = prices | {Field.CLOSED, Field.MIN_ARRIVAL, Field.MIN_THROUGH, Field.MAX_ARRIVAL, Field.MAX_THROUGH}
    assert fields("overlay", "RatePlan_RoomType_BookingRule") == rules
    assert fields("overlay", "RatePlan_RoomType_BookingRule", "ArrivalDOW") == rules | {Field.CTA}


@pytest.mark.parametrize(
    ("offer", "problem"),
    [
        (_offer("2024-10", action_OTA_Read=[]), "no FreeRooms in 2024-10"),
        (_offer("2024-10", action_OTA_HotelInvCountNotif=[FREE_ROOMS + "rooms"]), "single rooms"),
    ],
)
def test_a_server_without_free_rooms_for_categories_is_refused(offer: Any, problem: str) -> None:
    decoded = _decoded(Ping(id="p", at_ms=NOW_MS), _pong({"versions": [offer]}), "2024-10")
    assert isinstance(decoded.outcome, Refused)
    assert problem in decoded.outcome.text
    assert decoded.agreed is None


def test_a_handshake_that_is_refused_is_tried_in_the_next_lower_version() -> None:
    refusal = Reply(400, {}, b"ERROR:unsupported version")
    command: Command | None = Ping(id="p", at_ms=NOW_MS)
    tried = []
    while command is not None:
        request = CONNECTOR.encode(command, site_of("2022-10"))
        tried.append(request.headers["x-alpinebits-clientprotocolversion"])
        command = CONNECTOR.decode(command, request, refusal, site_of("2022-10")).next
    assert tried == ["2022-10", "2020-10", "2018-10"]


def test_what_was_agreed_is_spoken_and_doubted_when_it_is_not_understood() -> None:
    site = msgspec.structs.replace(site_of("2024-10"), agreed=Agreed("2018-10"))
    request = CONNECTOR.encode(FIGURES, site)
    assert request.headers["x-alpinebits-clientprotocolversion"] == "2018-10"
    assert b"OTA_HotelAvailNotifRQ" in request.body
    unknown = CONNECTOR.decode(FIGURES, request, Reply(400, {}, b"ERROR:unknown or missing action"), site)
    assert isinstance(unknown.outcome, Refused)
    assert isinstance(unknown.next, Ping)
    asking = body_of("2024-10/OTA_HotelInvCountNotifRS/success").replace(
        b"<Success/>",
        b'<Success/><Warnings><Warning Type="11" Status="ALPINEBITS_SEND_HANDSHAKE">again</Warning></Warnings>',
    )
    asked = _decoded(FIGURES, Reply(200, XML, asking), "2024-10")
    assert (asked.outcome, type(asked.next)) == (Confirmed(), Ping)
    assert _decoded(FIGURES, _answer("2022-10/OTA_HotelInvCountNotifRS/success")).next is None


COMPLETE = msgspec.structs.replace(FIGURES, complete=True)
RESET = msgspec.structs.replace(COMPLETE, updates=FIGURES.updates[1:])


@needed
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("command", [COMPLETE, RESET], ids=["complete", "reset"])
def test_a_complete_set_is_valid_and_leaves_out_what_has_no_rooms(command: PushAvailability, version: str) -> None:
    action, body, parts = _sent(command, version)
    assert faults(body, version) == []
    root = read_tree(body)
    assert rules.check(root, action, Terms(version, EVERYTHING, negotiated=True)) == ()
    assert parts == len(command.updates)
    assert b'Type="16"' in body
    assert b'Instance="CompleteSet"' in body
    assert b"SUI" not in body
    assert (b"DBL" in body) is (command is COMPLETE)


def test_a_complete_set_is_one_message_of_figures() -> None:
    many = tuple(_update("", Setting(Field.FIGURE, 1), start=FIRST + 14 * number) for number in range(600))
    _, body, parts = _sent(PushAvailability(id="x", at_ms=NOW_MS, updates=many, complete=True), "2024-10")
    assert (parts, body.count(b"<Inventory>")) == (600, 600)
    with pytest.raises(Unsupported, match="one of figures"):
        _sent(msgspec.structs.replace(RULES, complete=True), "2024-10")


def test_the_offer_is_what_is_enabled() -> None:
    _, body, _ = _sent(Ping(id="p", at_ms=NOW_MS), "2022-10")
    offer = json.loads(read_tree(body).findtext("{*}EchoData") or "")
    assert [one["version"] for one in offer["versions"]] == ["2022-10", "2020-10", "2018-10"]
    (free_rooms,) = [one for one in offer["versions"][0]["actions"] if one["action"] == "action_OTA_HotelInvCountNotif"]
    assert "OTA_HotelInvCountNotif_accept_deltas" in free_rooms["supports"]
