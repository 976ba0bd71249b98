"""Statements fetched day by day and held against the ledger; what a callback never told comes in by them."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec
import pytest

from gateway.engine.reconciling import Difference
from gateway.errors import Malformed, NotFound, Retryable
from gateway.flows.payments import differences, operate, reconcile
from gateway.flows.payments.reconcile import Reconciler, reconcile_now, want
from gateway.flows.payments.reconcile_fetch import day_of
from gateway.model.dates import format_day
from gateway.model.payment import OperationKind
from gateway.store.statements import Wanted
from gateway.store.tables_statements import DifferenceRow, StatementLineRow, StatementRow
from tests.flows.alerts.test_alerts import Watch
from tests.flows.payments.house import PayHouse, down, unanswered

DAY_S = 86_400
EVERYTHING = "1 = 1"


class Books:
    """A house whose statements are fetched."""

    def __init__(self, psp: PayHouse) -> None:
        self.psp = psp
        self.worker = Reconciler(psp.services)

    async def look(self) -> None:
        self.psp.clock.pass_s(6)
        await self.worker.round()
        await self.worker.errands.idle()

    async def next_day(self, days: int = 1) -> None:
        for _ in range(days):
            self.psp.clock.pass_s(DAY_S)
            await self.look()

    def today(self) -> str:
        days = self.psp.services.connectors.outbound("stripe").capabilities("stripe").statements
        assert days is not None
        return format_day(day_of(self.psp.clock.now_ms(), days))

    async def statements(self) -> dict[str, str]:
        return {row.name: row.state for row in await self.psp.house.rows(StatementRow, EVERYTHING)}

    async def found(self, state: str = "open") -> list[tuple[str, Difference, DifferenceRow]]:
        rows = await self.psp.house.rows(DifferenceRow, EVERYTHING)
        return [
            (row.verdict, msgspec.msgpack.decode(row.body, type=Difference), row) for row in rows if row.state == state
        ]

    async def verdicts(self, state: str = "open") -> list[str]:
        return sorted(verdict for verdict, _, _ in await self.found(state))


@pytest.fixture
async def books(psp: PayHouse) -> Books:
    books = Books(psp)
    await books.look()
    return books


async def bought(books: Books, account: str = "desk", amount: int = 10_000) -> str:
    """A purchase that both sides know of."""
    operated = await books.psp.charge(account, OperationKind.PURCHASE, amount)
    await books.psp.tell(account)
    await books.psp.work()
    return operated.payment_id


async def test_a_day_both_sides_agree_on(books: Books) -> None:
    psp, day = books.psp, books.today()
    payment = await bought(books)
    await operate.refund(psp.services, "h", payment, 3_000, "test")
    await psp.tell("desk")
    await psp.work()
    await books.next_day()
    assert (await books.statements())[day] == "done"
    lines = await psp.house.rows(StatementLineRow, EVERYTHING)
    assert sorted(row.kind for row in lines) == ["captured", "refunded"]
    assert await books.verdicts() == []
    await books.next_day(3)
    assert set((await books.statements()).values()) == {"done", "wanted"}
    assert await books.verdicts() == []


async def test_statements_are_looked_for_though_the_clock_was_set_back(books: Books) -> None:
    await books.next_day()
    books.psp.clock.pass_s(-DAY_S)
    await books.look()
    assert books.worker._looked_ms == books.worker._began_ms == books.psp.clock.now_ms()


async def test_a_payment_nobody_told_us_of_comes_in_by_the_statement(books: Books) -> None:
    psp = books.psp
    psp.wire.faults = [unanswered]
    operated = await psp.charge("desk", OperationKind.PURCHASE)
    assert (await psp.position(operated)).captured == 0
    await books.next_day()
    assert (await psp.position(operated)).captured == 10_000
    assert await psp.outcomes() == [("purchase", "succeeded")]
    assert await books.verdicts() == []
    assert await books.verdicts("cleared") == ["missing_here"]


async def test_money_of_nobody_we_know_is_missing_here(books: Books) -> None:
    await bought(books)
    charge = books.psp.stripe.movements[0]
    books.psp.stripe.movements.append(charge._replace(number="ch_other"))
    books.psp.stripe.sources["ch_other"] = {
        **books.psp.stripe.sources[charge.number],
        "id": "ch_other",
        "payment_intent": "pi_other",
        "metadata": {},
    }
    await books.next_day()
    (found,) = await books.found()
    assert (found[0], found[1].key, found[1].theirs, found[2].payment_id) == ("missing_here", "ch_other", 10_000, "")


async def test_what_no_statement_tells_of_is_missing_there_a_day_later(books: Books) -> None:
    payment = await bought(books)
    kept, books.psp.stripe.movements[:] = list(books.psp.stripe.movements), []
    await books.next_day()
    assert await books.verdicts() == []
    await books.next_day()
    (found,) = await books.found()
    assert (found[0], found[2].payment_id, found[1].ours) == ("missing_there", payment, 10_000)
    await books.next_day()
    assert await books.verdicts() == ["missing_there"]
    # It stands in a later statement after all.
    late = kept[0]._replace(at_s=books.psp.clock.now_ms() // 1000)
    books.psp.stripe.movements[:] = [late]
    await books.next_day()
    assert (await books.verdicts(), await books.verdicts("cleared")) == ([], ["missing_there"])


async def test_what_is_missing_from_two_statements_is_asked_about_once_more(books: Books) -> None:
    psp = books.psp
    payment = await bought(books)
    await operate.refund(psp.services, "h", payment, 3_000, "test")
    psp.stripe.movements[:] = []
    (refund,) = psp.stripe.refunds.values()
    refund["status"] = "failed"  # the bank sent it back, and nobody was told
    assert (await psp.position(payment)).refunded == 3_000
    await books.next_day()
    asked = len(psp.wire.sent)
    await books.next_day()
    assert await books.verdicts() == ["missing_there"] * 2
    position = await psp.position(payment)
    assert (position.captured, position.refunded, position.refundable) == (10_000, 0, 10_000)
    queries = [request.url for request in psp.wire.sent[asked:] if "balance" not in request.url]
    assert any("refunds" in url for url in queries)
    await books.next_day(2)
    assert len([1 for request in psp.wire.sent[asked:] if "balance" not in request.url]) == len(queries)  # once


async def test_another_amount_or_fee_is_a_difference(books: Books) -> None:
    psp = books.psp
    await bought(books)
    await bought(books, amount=20_000)
    first, second = psp.stripe.movements
    psp.stripe.sources[first.number] = {**psp.stripe.sources[first.number], "amount": 9_999, "amount_captured": 9_999}
    psp.stripe.movements[:] = [first, second._replace(currency="usd")]
    await books.next_day()
    assert await books.verdicts() == ["amount_differs"]
    (found,) = await books.found()
    assert (found[1].ours, found[1].theirs) == (10_000, 9_999)


async def test_doing_a_day_again_changes_nothing_but_what_has_changed(books: Books) -> None:
    psp, day = books.psp, books.today()
    payment = await bought(books)
    await books.next_day()
    rows = await psp.house.rows(StatementLineRow, EVERYTHING)
    events = await psp.events()
    for _ in range(2):
        assert (await reconcile_now(psp.services, "h", "desk", day)).state == "done"
    assert await psp.house.rows(StatementLineRow, EVERYTHING) == rows
    assert (await psp.events(), await books.found()) == (events, [])
    psp.stripe.movements.append(psp.stripe.movements[0])
    await reconcile_now(psp.services, "h", "desk", day)
    assert await books.verdicts() == ["duplicated"]
    psp.stripe.movements.pop()
    await reconcile_now(psp.services, "h", "desk", day)
    assert (await books.verdicts(), await books.verdicts("cleared")) == ([], ["duplicated"])
    assert (await psp.position(payment)).captured == 10_000


async def test_somebody_sees_to_it_once_and_for_all(books: Books) -> None:
    psp, day = books.psp, books.today()
    await bought(books)
    psp.stripe.movements.append(psp.stripe.movements[0])
    await books.next_day()
    (line,) = (await differences.find(psp.services, "h", Wanted(state="open"), limit=10)).items
    done = await differences.resolve(psp.services, "h", "desk", line.id, " asked Stripe,\n corrected ", "test")
    assert (done.state, done.note, done.closed_by) == ("resolved", "asked Stripe, corrected", "test")
    await reconcile_now(psp.services, "h", "desk", day)
    assert (await books.verdicts(), await books.verdicts("resolved")) == ([], ["duplicated"])
    with pytest.raises(NotFound):
        await differences.resolve(psp.services, "h", "desk", "nothing", "x", "test")
    with pytest.raises(NotFound):
        await differences.resolve(psp.services, "h", "nowhere", line.id, "x", "test")
    with pytest.raises(Malformed):
        await differences.resolve(psp.services, "h", "desk", line.id, "  ", "test")


async def test_lists_are_filtered_paged_and_taken_away_as_a_table(books: Books) -> None:
    psp = books.psp
    for _ in range(3):
        await bought(books)
    psp.stripe.movements += psp.stripe.movements[:3]
    await books.next_day()
    wanted = Wanted(account="desk", state="open", verdict="duplicated")
    first = await differences.find(psp.services, "h", wanted, limit=2)
    rest = await differences.find(psp.services, "h", wanted, cursor=first.next, limit=2)
    assert (len(first.items), len(rest.items), rest.next) == (2, 1, "")
    assert len({line.id for line in (*first.items, *rest.items)}) == 3
    for other in (wanted._replace(verdict="missing_here"), wanted._replace(state="resolved"), wanted._replace(last=1)):
        assert (await differences.find(psp.services, "h", other, limit=2)).items == ()
    await differences.resolve(psp.services, "h", "desk", first.items[0].id, "=HYPERLINK(1)", "test")
    table = list(csv.DictReader(io.StringIO(await differences.export(psp.services, "h", Wanted()))))
    assert [row["verdict"] for row in table] == ["duplicated"] * 3
    assert {row["theirs"] for row in table} == {"100.00"}
    assert sorted(row["note"] for row in table) == ["", "", "'=HYPERLINK(1)"]
    found = await differences.list_statements(psp.services, "h")
    assert {(line.account, line.state) for line in found.items} == {("desk", "done"), ("desk", "wanted")}


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("-12.50", "-12.50"),
        ("-1+1", "'-1+1"),
        ("=1", "'=1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("a=1", "a=1"),
        ("-", "'-"),
    ],
)
def test_no_cell_is_a_formula(cell: str, safe: str) -> None:
    assert differences.safe_cell(cell) == safe


async def test_adyen_tells_when_a_batch_is_settled_and_it_adds_up(books: Books) -> None:
    psp = books.psp
    await bought(books, "online")
    held = await psp.charge("online")
    await operate.capture(psp.services, "h", held.payment_id, 8_000, "test")
    await psp.tell("online")
    await psp.work()
    name = psp.adyen.close_batch()
    await psp.tell("online", psp.adyen.events[-1])
    await psp.work()
    await books.look()
    row = next(row for row in await psp.house.rows(StatementRow, EVERYTHING) if row.name == name)
    assert (row.account, row.state, row.lines) == ("online", "done", 2)
    assert await books.verdicts() == []
    with pytest.raises(Malformed):
        await want(psp.services, "h", "online", "received_payments_report.csv")


async def test_a_total_that_does_not_add_up_is_told(books: Books) -> None:
    psp = books.psp
    await bought(books, "online")
    name = psp.adyen.close_batch()
    lines = psp.adyen.reports[name].decode().splitlines()
    (payout,) = [line for line in lines if "MerchantPayout" in line]
    assert "99.40" in payout
    lines[lines.index(payout)] = payout.replace("99.40", "98.40")
    psp.adyen.reports[name] = "\r\n".join(lines).encode()
    await reconcile_now(psp.services, "h", "online", name)
    assert await books.verdicts() == ["total_differs"]


async def test_what_cannot_be_fetched_is_tried_for_two_days_and_then_told(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    psp, day = books.psp, books.today()
    monkeypatch.setattr(reconcile, "ATTEMPTS_MAX", 4)

    async def away(*_: object, **__: object) -> Any:
        raise Retryable("connection refused")

    psp.wire.call = away  # type: ignore[method-assign]
    psp.clock.pass_s(DAY_S)
    for _ in range(5):
        psp.clock.pass_s(3_600)
        await books.look()
    states = await books.statements()
    assert states[day] == "failed"
    assert sorted(states.values()).count("wanted") >= 1  # the days after it are not given up with it
    row = next(row for row in await psp.house.rows(StatementRow, EVERYTHING) if row.name == day)
    assert (row.due_ms, row.attempts, "refused" in row.error) == (None, 4, True)


async def test_a_failure_is_only_a_pause(books: Books) -> None:
    psp, day = books.psp, books.today()
    await bought(books)
    psp.wire.faults = [down] * 3
    await books.next_day()
    assert (await books.statements())[day] == "wanted"
    psp.clock.pass_s(3_600)
    await books.look()
    assert (await books.statements())[day] == "done"


async def test_a_statement_is_of_a_day_that_is_over(books: Books) -> None:
    for name in (books.today(), "2001-01-01"):
        with pytest.raises(Malformed):
            await want(books.psp.services, "h", "desk", name)
    with pytest.raises(NotFound):
        await want(books.psp.services, "h", "nowhere", "2031-01-01")


async def test_open_differences_and_statements_that_do_not_come_alert(books: Books) -> None:
    watch = Watch(books.psp.house, alert_payment_differences=2)

    async def raised() -> list[str]:
        return [name for name in (await watch.look()).get("raised", []) if name.startswith("payment")]

    await bought(books)
    books.psp.stripe.movements.append(books.psp.stripe.movements[0])
    await books.next_day()
    assert await raised() == []
    await bought(books)
    books.psp.stripe.movements.append(books.psp.stripe.movements[-1])
    await books.next_day()
    assert await raised() == ["payment_differences desk"]
    books.psp.wire.faults = [down] * 12
    books.psp.clock.pass_s(DAY_S)
    for _ in range(4):
        books.psp.clock.pass_s(3_600)
        await books.look()
    assert await raised() == ["payment_statement desk"]


async def test_a_payout_has_to_add_up_beside_the_days(books: Books) -> None:
    psp, day = books.psp, books.today()
    await bought(books)
    await bought(books, amount=5_000)
    number = psp.stripe.close_batch()
    await psp.tell("desk", psp.stripe.events[-1])
    await psp.work()
    await books.look()
    row = next(row for row in await psp.house.rows(StatementRow, EVERYTHING) if row.name == number)
    assert (row.state, row.lines, row.net) == ("done", 2, 15_000 - 90)
    assert await psp.house.rows(StatementLineRow, EVERYTHING) == []  # the day tells of them, and nothing twice
    await books.next_day()
    assert ((await books.statements())[day], await books.verdicts()) == ("done", [])
    # One of its movements is not told of any more.
    psp.stripe.payouts[number].pop()
    await reconcile_now(psp.services, "h", "desk", number)
    (found,) = await books.found()
    assert (found[0], found[1].theirs) == ("total_differs", 15_000 - 90)
    psp.stripe.payouts[number].append(1)
    await reconcile_now(psp.services, "h", "desk", number)
    assert (await books.verdicts(), await books.verdicts("cleared")) == ([], ["total_differs"])


async def test_a_payout_that_comes_first_does_not_stand_in_for_the_days(psp: PayHouse) -> None:
    books = Books(psp)
    await bought(books)
    psp.stripe.close_batch()
    await psp.tell("desk", psp.stripe.events[-1])
    await psp.work()
    await books.look()
    assert (await books.statements())[books.today()] == "wanted"
