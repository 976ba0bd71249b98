"""Statements: lines that find their facts, fees that add up, pages that follow each other."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from connectors.payments.adyen import CONNECTOR as ADYEN
from connectors.payments.stripe import CONNECTOR as STRIPE
from gateway.contract import Confirmed, Decoded, Key, Outbound, Refused, Reply, Site
from gateway.errors import OutcomeUnknown, Rejected, Retryable
from gateway.messages_payment import FetchStatement, StatementReceived
from gateway.model.dates import parse_day
from gateway.model.payment import FactKind, StatementLine
from gateway.testing.subject import NOW_MS
from tests.connectors.payments.accounts import reply, site

K = FactKind
DAY = parse_day("2031-01-03")


def fetch(report: str = "") -> FetchStatement:
    return FetchStatement(id="S1", at_ms=NOW_MS, day=DAY, report=report)


def read(
    connector: Outbound, account: Site, command: FetchStatement, answer: Reply
) -> tuple[StatementReceived, Decoded]:
    decoded = connector.decode(command, connector.encode(command, account), answer, account)
    ((arrived,),) = (decoded.events,)
    assert isinstance(arrived.event, StatementReceived)
    return arrived.event, decoded


# --- Stripe -----------------------------------------------------------------------------------------------------------


def movement(id_: str, category: str, amount: int, fee: int, source: object, currency: str = "eur") -> dict[str, Any]:
    return {
        "id": id_,
        "object": "balance_transaction",
        "reporting_category": category,
        "type": category,
        "amount": amount,
        "fee": fee,
        "net": amount - fee,
        "currency": currency,
        "created": 1925200000,
        "source": source,
    }


CHARGE = {
    "id": "ch_1",
    "object": "charge",
    "amount": 24100,
    "amount_captured": 20000,
    "currency": "usd",
    "payment_intent": "pi_1",
    "metadata": {"op_id": "OP"},
}
MOVEMENTS = [
    movement("txn_1", "charge", 18400, 532, CHARGE),
    movement("txn_2", "refund", -4600, 0, {"id": "re_1", "object": "refund", "amount": 5000, "currency": "usd"}),
    movement("txn_3", "fee", 0, 12, None),
    movement("txn_4", "dispute", -18400, 1500, "du_1"),
]


def test_a_day_of_stripe_page_by_page() -> None:
    account = site("stripe")
    first = fetch()
    query = parse_qs(urlsplit(STRIPE.encode(first, account).url).query)
    assert query["created[gte]"] == ["1925164800"]
    assert query["created[lt]"] == ["1925251200"]
    page = {"object": "list", "data": MOVEMENTS[:2], "has_more": True}
    found, decoded = read(STRIPE, account, first, reply(page))
    assert not found.complete
    assert isinstance(decoded.next, FetchStatement)
    assert "starting_after=txn_2" in STRIPE.encode(decoded.next, account).url
    last, decoded = read(STRIPE, account, decoded.next, reply({"object": "list", "data": MOVEMENTS[2:]}))
    assert (last.complete, decoded.next) == (True, None)
    lines = found.lines + last.lines
    assert [line.number for line in lines] == [0, 1, 2, 3]
    assert [(line.kind, line.key) for line in lines] == [
        (K.CAPTURED, "ch_1"),
        (K.REFUNDED, "re_1"),
        (None, ""),
        (K.DISPUTE_FUNDS_WITHDRAWN, "du_1"),
    ]
    assert all(line.gross - line.fee == line.net for line in lines)
    # As the guest saw it, which is not what was settled.
    assert (lines[0].amount, lines[0].presented, lines[0].gross, lines[0].currency) == (20000, "USD", 18400, "EUR")
    assert (lines[0].payment_psp, lines[0].operation) == ("pi_1", "OP")


def test_a_payout_of_stripe_adds_up() -> None:
    total = sum(entry["net"] for entry in MOVEMENTS)
    payout = movement("txn_9", "payout", -total, 0, {"id": "po_1", "object": "payout"})
    page = {"object": "list", "data": [*MOVEMENTS, payout]}
    found, _ = read(STRIPE, site("stripe"), fetch("po_1"), reply(page))
    assert found.total == sum(line.net for line in found.lines) == total


@pytest.mark.parametrize("status", [500, 503, 409, 429])
def test_stripe_is_asked_again_for_a_statement(status: int) -> None:
    with pytest.raises(Retryable):
        read(STRIPE, site("stripe"), fetch(), Reply(status, {}, b""))


def test_a_statement_of_stripe_that_is_none() -> None:
    account = site("stripe")
    refused = STRIPE.decode(fetch(), STRIPE.encode(fetch(), account), reply({"error": {"code": "x"}}, 400), account)
    assert isinstance(refused.outcome, Refused)
    unheard = movement("t", "fee", 1, 0, None, "xxx")
    for body in ({}, {"object": "charge", "data": []}, {"object": "list", "data": [unheard]}):
        with pytest.raises(OutcomeUnknown):
            read(STRIPE, account, fetch(), reply(body))


# --- Adyen ------------------------------------------------------------------------------------------------------------

COLUMNS = (
    "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,"
    "Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,"
    "Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),"
    "Modification Merchant Reference,Batch Number"
)
ROWS = (
    "Hotel,HOTEL1,PSP1,OP1,mc,2031-01-03 10:00:00,CET,Settled,CAP1,EUR,,200.00,1,EUR,,198.87,,0.60,0.125,0.405,OPC,42",
    "Hotel,HOTEL1,PSP1,OP1,visa,2031-01-03 11:00:00,CET,Refunded,REF1,EUR,50.00,,1,EUR,50.00,,,,,,OPR,42",
    "Hotel,HOTEL1,PSP2,OP2,visa,2031-01-03 12:00:00,CET,Chargeback,CBK1,USD,10.00,,0.92,EUR,24.20,,15.00,,,,,42",
    "Hotel,HOTEL1,PSP3,OP3,visa,2031-01-03 13:00:00,Nowhere/Zone,Settled,,ISK,,241,1,ISK,,241,,,,,,42",
    "Hotel,HOTEL1,,,,2031-01-03 14:00:00,CET,Fee,Transaction Fees,,,,,EUR,1.20,,,,,,,42",
    "Hotel,HOTEL1,,,,2031-01-04 01:00:00,CET,MerchantPayout,TX1,,,,,EUR,123.47,,,,,,,42",
)
FILE = "settlement_detail_report_batch_42.csv"


def report(*rows: str, columns: str = COLUMNS) -> Reply:
    return Reply(200, {"content-type": "text/csv"}, "\r\n".join((columns, *rows)).encode())


def adyen_lines(*rows: str) -> tuple[StatementLine, ...]:
    return read(ADYEN, site("adyen"), fetch(FILE), report(*rows))[0].lines


def test_a_batch_of_adyen() -> None:
    found, decoded = read(ADYEN, site("adyen"), fetch(FILE), report(*ROWS))
    assert isinstance(decoded.outcome, Confirmed)
    assert [(line.kind, line.key, line.gross, line.fee, line.net, line.currency) for line in found.lines] == [
        (K.CAPTURED, "CAP1", 20000, 113, 19887, "EUR"),
        (K.REFUNDED, "REF1", -5000, 0, -5000, "EUR"),
        (K.DISPUTE_FUNDS_WITHDRAWN, "CBK1:CHARGEBACK", -920, 1500, -2420, "EUR"),
        (K.CAPTURED, "PSP3", 241, 0, 241, "ISK"),
        (None, "Transaction Fees", -120, 0, -120, "EUR"),
    ]
    assert (found.lines[2].amount, found.lines[2].presented) == (1000, "USD")
    assert (found.lines[0].operation, found.lines[0].payment_psp) == ("OPC", "PSP1")
    assert (found.lines[0].at_ms, found.lines[3].at_ms) == (1925197200000, None)
    assert found.total == 12347 == sum(line.net for line in found.lines if line.currency == "EUR")


def test_columns_are_found_by_name() -> None:
    names = COLUMNS.split(",")
    turned = ",".join(reversed(names))
    rows = [",".join(reversed(row.split(","))) for row in ROWS]
    found, _ = read(ADYEN, site("adyen"), fetch(FILE), report(*rows, columns=turned))
    assert found.lines == adyen_lines(*ROWS)


@pytest.mark.parametrize(
    "answer",
    [
        report(*ROWS, columns=COLUMNS.replace("Type", "Kind")),
        report(ROWS[0].replace("200.00", "twenty")),
        report(ROWS[0].replace("200.00", "200.001")),
        report(ROWS[0].replace("200.00", "1e40")),
        report(ROWS[0].replace("198.87", "NaN")),
        report(ROWS[0].replace(",EUR,", ",XXX,")),
        Reply(200, {}, b"\xff\xfe"),
        Reply(200, {}, b""),
    ],
)
def test_a_report_that_cannot_be_read_is_not_half_read(answer: Reply) -> None:
    with pytest.raises(OutcomeUnknown):
        read(ADYEN, site("adyen"), fetch(FILE), answer)


def test_a_report_is_fetched_from_the_host_we_know_with_its_own_key() -> None:
    account = msgspec.structs.replace(site("adyen"), keys=(Key("report", "report-key"),))
    request = ADYEN.encode(fetch(FILE), account)
    assert request.url == f"https://ca-test.adyen.com/reports/download/MerchantAccount/HOTEL1/{FILE}"
    assert request.headers == {"x-api-key": "report-key"}
    for name in ("", "../x", "a/b", ".hidden", "x" * 201, "a%2fb", "https://evil.invalid/x"):
        with pytest.raises(Rejected):
            ADYEN.encode(fetch(name), account)
    with pytest.raises(Retryable):
        read(ADYEN, account, fetch(FILE), Reply(503, {}, b""))
    refused = ADYEN.decode(fetch(FILE), request, Reply(404, {}, b""), account)
    assert isinstance(refused.outcome, Refused)
