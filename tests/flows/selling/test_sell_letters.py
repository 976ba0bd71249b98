"""Letters to who books directly: each once, in their language, again where the mail server did not take it."""

from __future__ import annotations

import pytest

from gateway.engine.sale import Customer
from gateway.flows.selling import letters, sell
from gateway.flows.selling.letters import ATTEMPTS_MAX, Letters, letter
from gateway.flows.selling.rows import open_sale
from gateway.model.reservation import Guest
from gateway.settings import Settings
from gateway.store.tables import SaleRow
from tests.flows.house import House
from tests.flows.mailbox import Mailbox
from tests.flows.selling.test_sell import ME, booked, held, quoted, shop

__all__ = ["shop"]

LI = Customer(Guest("李", "雷", email="lei@example.cn", language="zh-CN"))


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Mailbox:
    return Mailbox(monkeypatch, letters)


def postman(house: House) -> Letters:
    return Letters(house.services, Settings(smtp_url="smtp://mail.example"))


async def test_each_step_is_written_about_once(shop: House, mailbox: Mailbox) -> None:
    seen = await booked(shop)
    post = postman(shop)
    assert [await post.round(), await post.round()] == [1, 0]
    await sell.cancel(shop.services, "h", seen.sale_id, ME)
    assert await post.round() == 1
    assert [(to, subject) for to, subject, _ in mailbox.taken] == [
        ("ada@example.org", f"Your reservation {seen.sale_id} at Hotel"),
        ("ada@example.org", f"Your reservation {seen.sale_id} at Hotel has been cancelled"),
    ]
    text = mailbox.taken[0][2]
    for part in ("Dear Ada Lovelace", "from 15:00", "Double, Best available: 240.00 EUR", "City tax: 6.00 EUR"):
        assert part in text
    for part in (
        "VAT: 21.82 EUR (included)",
        "Total: 246.00 EUR",
        "when booking: 120.00 EUR",
        "until 2026-11-22 15:00",
    ):
        assert part in text
    assert "There is nothing to pay" in mailbox.taken[1][2]


async def test_letters_are_written_in_the_language_of_who_books(shop: House, mailbox: Mailbox) -> None:
    seen = await sell.confirm(shop.services, "h", await quoted(shop), ME, customer=LI)
    await postman(shop).round()
    ((to, subject, text),) = mailbox.taken
    assert (to, subject) == ("lei@example.cn", f"Hotel预订确认（编号 {seen.sale_id}）")
    assert "尊敬的 李 雷：" in text


async def test_a_mail_server_that_is_away_is_tried_again_and_not_for_ever(shop: House, mailbox: Mailbox) -> None:
    await booked(shop)
    post, mailbox.refuses = postman(shop), True
    for _ in range(ATTEMPTS_MAX):
        assert await post.round() == 0
        shop.clock.pass_s(5 * 3_600)
    (row,) = await shop.rows(SaleRow)
    assert (row.mail_ms, row.mail_attempts) == (None, ATTEMPTS_MAX)


async def test_what_comes_meanwhile_is_owed_its_own_letter(shop: House, mailbox: Mailbox) -> None:
    seen = await booked(shop)
    (row,) = await shop.rows(SaleRow)
    shop.clock.pass_s(1)
    await sell.cancel(shop.services, "h", seen.sale_id, ME)
    await shop.services.batcher.submit(letters.LetterSent(row, None))
    assert await postman(shop).round() == 1
    assert "cancelled" in mailbox.taken[0][1]


async def test_a_hold_is_not_written_about(shop: House, mailbox: Mailbox) -> None:
    await held(shop)
    assert await postman(shop).round() == 0


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["confirmed", "modified", "cancelled"])
async def test_every_letter_says_its_number_and_its_total(shop: House, name: str, language: str) -> None:
    await booked(shop)
    (row,) = await shop.rows(SaleRow)
    hotel = await shop.services.directory.hotel_of("site")
    assert hotel is not None
    subject, text = letter(hotel, row._replace(letter=name), open_sale(row.body), language)
    assert row.sale_id in subject
    assert "246.00 EUR" in text
    assert "{" not in text


@pytest.mark.parametrize("address", ["ada@", "ada@\nexample.org", "a:b;@example.org", "=?utf-8?q?=0a?=@example.org"])
async def test_an_address_nobody_can_write_to_holds_up_no_other_letter(
    shop: House, mailbox: Mailbox, address: str
) -> None:
    """Agencies pass on what guests have typed."""
    nowhere = Customer(Guest("Lovelace", "Ada", email=address))
    await sell.confirm(shop.services, "h", await quoted(shop), ME, customer=nowhere)
    shop.clock.pass_s(1)
    await sell.confirm(shop.services, "h", await quoted(shop, 7, 9), ME, customer=LI)
    post = postman(shop)
    await post.round()
    assert [to for to, _, _ in mailbox.taken] == ["lei@example.cn"]
    assert [row.mail_ms for row in await shop.rows(SaleRow)] == [None, None]
