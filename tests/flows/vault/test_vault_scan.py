"""No card number in a log, an archive, a table or a backup, whatever became of the message that brought it.

The seal, above all, is not taken on trust: what is scanned is what lies on the disk.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from connectors.opentravel.ota import document
from gateway.contract import Reply, Request
from gateway.errors import Refusal
from gateway.flows.delivering import deliver
from gateway.flows.desk import importing
from gateway.flows.desk.importing import Format, What
from gateway.flows.desk.replaying import replay
from gateway.flows.keeping.back_up import back_up
from gateway.flows.keeping.restore import find, restore
from gateway.flows.vault.rotate import rotate
from gateway.flows.vault.show import show_card
from gateway.io import logs
from gateway.io.shelf import FolderShelf
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.opening import open_database
from gateway.store.tables import MessageRow
from tests.flows.vault.charging import ChargingHouse
from tests.flows.vault.house import AMEX, CVV, MASTERCARD, VISA, CardHouse, booking
from tests.flows.vault.scan import dump, files_in, numbers_in

JCB, DINERS, DISCOVER, UNIONPAY = "3530111333300000", "30569309025904", "6011111111111117", "6200000000000005"
NUMBERS = frozenset((VISA, MASTERCARD, AMEX, JCB, DINERS, DISCOVER, UNIONPAY))
NOW_MS = 1_795_000_000_000
CSV = f"""\
booking_id,status,surname,given,room,plan,arrival,departure,units,adults,total,currency
I1,new,Ng,Ana {DISCOVER},r1,bar,2026-11-23,2026-11-25,1,2,200.00,EUR
I2,new,{DISCOVER},Bo,r1,bar,2026-11-23,none,1,2,200.00,EUR
"""


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything logged, at the most talkative level."""
    stream = io.StringIO()
    monkeypatch.setattr(logs, "sys", SimpleNamespace(stderr=stream))
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.configure(Settings(log_json=True, log_level="debug"))
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


async def through_everything(house: CardHouse) -> None:
    """Cards on every way there is into the gateway and out of it."""
    await house.book(booking(VISA, more=f"<Comments><Comment><Text>or {MASTERCARD}</Text></Comment></Comments>"))
    element = f"<CardNumber><PlainText>{AMEX}</PlainText></CardNumber>"
    whole = booking(VISA, booking_id="B2").decode()
    await house.book(
        whole.replace(f' CardNumber="{VISA}"', "").replace("<CardHolder", f"{element}<CardHolder").encode()
    )
    await house.book(booking(JCB, booking_id="B3").decode().encode("utf-16"))
    await house.deliver()
    (first, *_) = await house.cards()
    await show_card(house.services, "h", first.reservation_id, first.card_id, "person:ada", f"guest read out {JCB}")
    await refused(house)
    for row in await house.rows(MessageRow, "kind = 'OTA_HotelResNotifRQ'"):
        with contextlib.suppress(Refusal):  # what was refused is refused again
            await replay(house.services, "h", row.message_id, "person:ada", dry_run=False)
    for text in (CSV, CSV.replace("none", "2026-11-25")):
        await importing.take(
            house.services, "h", What.RESERVATIONS, Format.CSV, text.encode(), "person:ada", connection="ota"
        )
    await importing.take(
        house.services,
        "h",
        What.RESERVATIONS,
        Format.OTA,
        booking(DINERS, booking_id="I3"),
        "person:ada",
        connection="ota",
    )
    await house.deliver()
    await rotate(house.services)


async def refused(house: CardHouse) -> None:
    """Documents that are not taken, for every reason we know."""
    bodies = [
        booking(UNIONPAY).replace(b"</RoomStays>", b""),  # no XML
        booking(UNIONPAY).replace(b'ResStatus="Commit"', f'ResStatus="{UNIONPAY}"'.encode()),
        booking(UNIONPAY).replace(b"2026-11-25", UNIONPAY.encode()),
        booking(UNIONPAY).replace(b'HotelCode="OTA"', f'HotelCode="{UNIONPAY}"'.encode()),
        booking(UNIONPAY) + b" " * (21 * 1024 * 1024),  # too large
        booking(UNIONPAY).replace(b"CardHolderName", b"CardHolder\0Name"),
        booking(UNIONPAY).replace(b"<OTA_Hotel", b"<OTA_Motel").replace(b"</OTA_Hotel", b"</OTA_Motel"),
    ]
    for body in bodies:
        await house.send(body)
    await house.send(booking(UNIONPAY), password="wrong")
    await house.send(booking(UNIONPAY), connection="nobody")


async def left_behind(house: CardHouse, url: str, folder: Path, lines: io.StringIO) -> dict[str, bytes]:
    """Logs, tables, the database's own files, a backup, and the tables that are restored from it."""
    restored = f"sqlite:///{folder / 'restored.sqlite'}"
    settings = Settings(data_dir=str(folder / "data"), database_url=url)
    shelf = FolderShelf(folder / "shelf")
    await back_up(settings, shelf, NOW_MS, full=True)
    manifest = await find(shelf)
    await restore(msgspec.structs.replace(settings, database_url=restored), shelf, manifest, force=False)
    copy = open_database(restored)
    await copy.open()
    found = {f"restored {name}": rows for name, rows in (await dump(copy)).items()}
    await copy.close()
    return {"log": lines.getvalue().encode(), **await dump(house.services.database), **found, **files_in(folder)}


async def test_no_number_is_left_anywhere(
    house: CardHouse, database_url: str, tmp_path: Path, lines: io.StringIO
) -> None:
    await through_everything(house)
    left = await left_behind(house, database_url, tmp_path, lines)
    assert {name: found for name, data in left.items() if (found := numbers_in(data, NUMBERS))} == {}
    assert f'SeriesCode="{CVV}"'.encode() not in left["message"]
    # Something was there to be found: the cards came, were sealed, and went out.
    assert {row.last4 for row in await house.cards()} == {VISA[-4:], AMEX[-4:], JCB[-4:]}
    assert numbers_in(b"".join(house.out), NUMBERS) == {VISA, AMEX, JCB}
    assert b"refused" in left["log"]
    assert len(left["restored message"]) == len(left["message"])


async def test_the_scan_finds_what_is_not_taken_out(
    house: CardHouse, database_url: str, tmp_path: Path, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "redact", lambda data: data)
    monkeypatch.setattr(deliver, "redact", lambda data: data)
    await house.book(booking(VISA))
    await house.deliver()
    logging.getLogger("library").warning("card %s", "x".join(MASTERCARD))  # masked or not, this is no number
    lines.write(f"somebody printed {MASTERCARD[:8]}-{MASTERCARD[8:]}")
    left = await left_behind(house, database_url, tmp_path, lines)
    found = {name: numbers_in(data, NUMBERS) for name, data in left.items()}
    assert found["message"] == found["restored message"] == {VISA}
    assert found["log"] == {MASTERCARD}


async def test_no_number_that_was_charged_is_left_anywhere(
    database: Database, database_url: str, tmp_path: Path, lines: io.StringIO
) -> None:
    house = ChargingHouse(database)
    house.start()
    await house.open()
    nights = ("2026-11-27", "2026-11-29")
    for number, (lost, echoed) in ((VISA, (0, False)), (MASTERCARD, (1, False)), (AMEX, (0, True))):
        await house.book(booking(number, booking_id=number[:6], nights=nights))
        house.lose, house.echoes = lost, echoed
        await house.look(hours=24 * 6 if number == VISA else 0)
    house.echoes = False
    await house.look(rounds=6)
    left = await left_behind(house, database_url, tmp_path, lines)
    await house.stop()
    assert {name: found for name, data in left.items() if (found := numbers_in(data, NUMBERS))} == {}
    # They were sent, and in every way it can end.
    assert numbers_in(b"\n".join(house.charged), NUMBERS) == {VISA, MASTERCARD, AMEX}
    assert sorted(row.outcome for row in await house.operations()) == ["failed", "succeeded", "succeeded"]
    assert b"not supported" in left["payment_operation"]


class Echoing(CardHouse):
    """Whose PMS says back in its refusal what it was sent."""

    async def call(self, request: Request, *, timeout_s: float) -> Reply:
        self.out.append(request.body)
        return Reply(400, {"content-type": "text/plain"}, request.body)


async def test_a_pms_that_echoes_the_number_has_it_masked(house: CardHouse, lines: io.StringIO) -> None:
    house.__class__ = Echoing
    await house.book(booking(VISA))
    await house.deliver()
    assert numbers_in(b"".join(house.out), NUMBERS) == {VISA}
    left = {"log": lines.getvalue().encode(), **await dump(house.services.database)}
    assert {name: found for name, data in left.items() if (found := numbers_in(data, NUMBERS))} == {}


def test_a_card_in_clear_cannot_be_written_by_accident() -> None:
    import pickle

    from gateway.messages import ReservationReceived
    from gateway.model.card import clear_card
    from gateway.model.reservation import Content, Revision, RevisionKind

    card = clear_card("4111 1111-1111 1111", "0931", "ADA")
    assert card is not None
    event = ReservationReceived("H", Revision("B1", RevisionKind.NEW, Content()), (card,))
    assert VISA not in repr(event)
    for encode in (msgspec.json.encode, msgspec.msgpack.encode, pickle.dumps):
        with pytest.raises(TypeError):
            encode(event)
    with pytest.raises(Refusal) as refused:
        raise Refusal(f"what is {VISA}?")
    assert VISA not in str(refused.value)
