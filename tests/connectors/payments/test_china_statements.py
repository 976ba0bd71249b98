"""Statements of Alipay, WeChat Pay and UnionPay: where they may be fetched from, and what their lines say."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from base64 import b64encode
from typing import Any

import msgspec
import pytest

from connectors.payments.alipay import CONNECTOR as ALIPAY
from connectors.payments.unionpay import CONNECTOR as UNIONPAY
from connectors.payments.unionpay.statement import WIDTHS
from connectors.payments.wechatpay import CONNECTOR as WECHATPAY
from gateway.contract import Decoded, Refused, Reply
from gateway.errors import OutcomeUnknown, Rejected, Retryable
from gateway.messages_payment import FetchStatement, StatementReceived
from gateway.model.dates import parse_day
from gateway.model.payment import FactKind, StatementLine
from gateway.testing.subject import NOW_MS
from tests.connectors.payments import china

K = FactKind
FETCH = FetchStatement(id="S1", at_ms=NOW_MS, day=parse_day("2031-01-03"), nonce=china.NONCE)
SITES = {name: china.site(name) for name in ("alipay", "wechatpay", "unionpay")}
BILL = "https://dwbillcenter.alipay.com/downloadBillFile.resource?token=x"
WX_BILL = "https://api.mch.weixin.qq.com/v3/billdownload/file?token=x&tartype=none"


def read(connector: Any, name: str, reply: Reply, **changes: Any) -> Decoded:
    command = msgspec.structs.replace(FETCH, **changes)
    account = SITES[name]
    found = connector.decode(command, connector.encode(command, account), reply, account)
    assert isinstance(found, Decoded)
    return found


def lines_of(found: Decoded) -> tuple[StatementLine, ...]:
    ((arrived),) = found.events
    assert isinstance(arrived.event, StatementReceived)
    assert all(line.gross - line.fee == line.net for line in arrived.event.lines)
    assert [line.number for line in arrived.event.lines] == list(range(len(arrived.event.lines)))
    return arrived.event.lines


def zipped(**texts: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text.encode("gbk"))
    return packed.getvalue()


# --- Alipay -----------------------------------------------------------------------------------------------------------

COLUMNS = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,对方账户,订单金额（元）,商家实收（元）,"
    "退款批次号/请求号,服务费（元）,备注"
)
TRADES = f"""#支付宝业务明细查询
#账号：[20880000000000000156]
{COLUMNS}
2031A\t,OP1\t,交易,湖畔 套房,2031-01-03 09:59:00,2031-01-03 10:00:00,*三(138****0000)\t,241.00,231.00,\t,-1.39,\t
2031A\t,OP1\t,退款,"湖畔, 套房",2031-01-03 11:00:00,2031-01-03 11:00:01,*三(138****0000)\t,-50.00,-50.00,RF1\t,0.29,\t
2031B\t,\t,转账,其他,2031-01-03 12:00:00,2031-01-03 12:00:00,x\t,1.00,1.00,\t,0.00,\t
#-----------------------------------------业务明细列表结束------------------------------------
#交易合计：1笔，商家实收共231.00元
"""


def test_alipay_tells_where_its_bill_is() -> None:
    request = ALIPAY.encode(FETCH, SITES["alipay"])
    found = read(ALIPAY, "alipay", china.alipay_reply(request, {"code": "10000", "bill_download_url": BILL}))
    assert isinstance(found.next, FetchStatement)
    file = ALIPAY.encode(found.next, SITES["alipay"])
    assert (file.method, file.url, file.headers) == ("GET", BILL, {})
    none = read(ALIPAY, "alipay", china.alipay_reply(request, {"code": "40004", "sub_code": "isp.bill_not_exist"}))
    assert isinstance(none.outcome, Refused)
    with pytest.raises(OutcomeUnknown):
        read(ALIPAY, "alipay", china.alipay_reply(request, {"code": "10000", "bill_download_url": BILL}, "other"))
    with pytest.raises(Retryable):
        read(ALIPAY, "alipay", Reply(503, {}, b""))


def test_a_bill_of_alipay() -> None:
    archive = zipped(**{"2088_20310103_业务明细.csv": TRADES, "2088_20310103_汇总.csv": "#汇总\n门店,笔数\n合计,2\n"})
    lines = lines_of(read(ALIPAY, "alipay", Reply(200, {}, archive), location=BILL))
    assert [(line.kind, line.key, line.gross, line.fee, line.amount) for line in lines] == [
        (K.CAPTURED, "2031A", 23100, 139, 24100),
        (K.REFUNDED, "2031A:RF1", -5000, -29, 5000),
        (None, "2031B", 100, 0, None),
    ]
    assert (lines[0].operation, lines[1].operation, lines[0].at_ms) == ("OP1", "RF1", 1925172000000)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"PK\x03\x04",
        zipped(x="#nothing\n"),
        zipped(x=TRADES.replace("业务类型", "别的")),
        zipped(x=TRADES.replace("241.00", "twenty")),
        zipped(x=TRADES.replace("241.00", "241.001")),
        zipped(x=TRADES.replace(",转账,", ",")),
        zipped(**{f"{n}.csv": "x" for n in range(21)}),
    ],
    ids=range(8),
)
def test_a_bill_of_alipay_that_cannot_be_read_is_not_half_read(body: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        read(ALIPAY, "alipay", Reply(200, {}, body), location=BILL)


@pytest.mark.parametrize(
    "location",
    [
        "http://dwbillcenter.alipay.com/x",
        "https://evil.invalid/x",
        "https://evilalipay.com/x",
        "https://alipay.com.evil.invalid/x",
        "https://dwbillcenter.alipay.com:8443/x",
        "https://user@dwbillcenter.alipay.com/x",
        "file:///etc/passwd",
        "https://[",
    ],
)
def test_a_statement_is_fetched_from_hosts_we_know_only(location: str) -> None:
    for connector, name in ((ALIPAY, "alipay"), (WECHATPAY, "wechatpay")):
        with pytest.raises(Rejected):
            connector.encode(msgspec.structs.replace(FETCH, location=location), SITES[name])
    own = msgspec.structs.replace(SITES["alipay"], url="http://127.0.0.1:9000/psp")
    assert ALIPAY.encode(msgspec.structs.replace(FETCH, location="http://127.0.0.1:9000/file"), own).method == "GET"


# --- WeChat Pay -------------------------------------------------------------------------------------------------------

WX_NAMES = (
    "交易时间,公众账号ID,微信订单号,商户订单号,交易状态,应结订单金额,微信退款单号,商户退款单号,退款金额,退款状态,"
    "商品名称,手续费,订单金额,申请退款金额"
)
WX_ROWS = tuple(
    tuple(row.split("|"))
    for row in (
        "2031-01-03 10:00:00|wx1|4200A|OP1|SUCCESS|231.00|0|0|0.00||湖畔, x|1.38600|241.00|0.00",
        "2031-01-03 11:00:00|wx1|4200A|OP1|REFUND|0.00|5030|RF1|48.00|SUCCESS|y|-0.28800|0.00|50.00",
        "2031-01-03 12:00:00|wx1|4200B|OP2|REFUND|0.00|5031|RF2|1.00|PROCESSING|y|0.00|0.00|1.00",
        "2031-01-03 13:00:00|wx1|4200C|OP3|REVOKED|0.00|5032||9.00||y|0.00000|9.00|9.00",
    )
)


def wx_bill(*rows: tuple[str, ...], count: str = "", names: str = WX_NAMES) -> bytes:
    lines = [names, *(",".join(f"`{value}" for value in row) for row in rows)]
    summary = ["总交易单数,应结订单总金额", f"`{count or len(rows)},`231.00"]
    return ("\ufeff" + "\r\n".join(lines + summary) + "\r\n").encode()


def wx_read(body: bytes, check: str = "") -> Decoded:
    digest = check or hashlib.sha1(body).hexdigest().upper()
    return read(WECHATPAY, "wechatpay", Reply(200, {}, body), location=WX_BILL, check=digest)


def test_wechat_pay_tells_where_its_bill_is_and_what_it_hashes_to() -> None:
    request = WECHATPAY.encode(FETCH, SITES["wechatpay"])
    assert request.url.endswith("/v3/bill/tradebill?bill_date=2031-01-03&bill_type=ALL")
    body = {"hash_type": "SHA1", "hash_value": "79bb", "download_url": WX_BILL}
    found = read(WECHATPAY, "wechatpay", china.wechat_reply(body))
    assert isinstance(found.next, FetchStatement)
    assert (found.next.location, found.next.check) == (WX_BILL, "79bb")
    # The file is asked for with a signature although it comes without one.
    assert "signature=" in WECHATPAY.encode(found.next, SITES["wechatpay"]).headers["authorization"]
    none = read(WECHATPAY, "wechatpay", china.wechat_reply({"code": "NO_STATEMENT_EXIST", "message": "x"}, 400))
    assert none.outcome == Refused("not_found", "x")
    for broken in (china.wechat_reply(body, owner="other"), china.wechat_reply(body | {"hash_type": "MD5"})):
        with pytest.raises(OutcomeUnknown):
            read(WECHATPAY, "wechatpay", broken)


def test_a_bill_of_wechat_pay() -> None:
    lines = lines_of(wx_read(wx_bill(*WX_ROWS)))
    assert [(line.kind, line.key, line.gross, line.fee, line.amount) for line in lines] == [
        (K.CAPTURED, "4200A", 23100, 139, 24100),
        (K.REFUNDED, "5030", -4800, -29, 5000),
        (K.REFUND_PENDING, "5031", -100, 0, 100),
        (K.CAPTURE_FAILED, "4200C", -900, 0, 900),
    ]
    assert (lines[1].operation, lines[1].payment_psp, lines[0].at_ms) == ("RF1", "4200A", 1925172000000)


@pytest.mark.parametrize(
    ("body", "check"),
    [
        (wx_bill(*WX_ROWS), "0" * 40),
        (wx_bill(*WX_ROWS, count="3"), ""),
        (wx_bill(*WX_ROWS, names=WX_NAMES.replace("手续费", "x")), ""),
        (wx_bill(WX_ROWS[0][:-1]), ""),
        (wx_bill((*WX_ROWS[0][:11], "NaN", *WX_ROWS[0][12:])), ""),
        (b"\xff\xfe", ""),
        (b"", ""),
    ],
)
def test_a_bill_of_wechat_pay_that_is_not_the_one_announced(body: bytes, check: str) -> None:
    with pytest.raises(OutcomeUnknown):
        wx_read(body, check)


# --- UnionPay ---------------------------------------------------------------------------------------------------------


def zm(kind: str, query_id: str, amount: int, fee: str, settled: str, **more: str) -> str:
    """A line with its columns where the interface's description puts them."""
    given = {4: "581802", 5: "0103100000", 7: f"{amount:012}", 10: query_id, 12: "OP1", 16: fee, 17: settled, 20: kind}
    given |= {28: "HOTEL1", 31: "湖畔酒店"} | {int(name[1:]): value for name, value in more.items()}
    cells = [given.get(n + 1, "").encode("gbk").ljust(width) for n, width in enumerate(WIDTHS)]
    return (b" ".join(cells) + b" " * 90).decode("gbk")


def clearing(**texts: str) -> str:
    return b64encode(zlib.compress(zipped(**texts))).decode()


def up_read(content: str, code: str = "00", **fields: str) -> Decoded:
    request = UNIONPAY.encode(FETCH, SITES["unionpay"])
    reply = china.unionpay_reply(request, {"respCode": code, "fileContent": content, "respMsg": "x"} | fields)
    return read(UNIONPAY, "unionpay", reply)


ZM = [
    zm("01", "Q1", 24100, "D000000000145", "C000000023955"),
    zm("04", "Q2", 5000, "C000000000030", "D000000004970", c27="Q1"),
    zm("33", "Q3", 100, "", "D000000000100", c27="Q0"),
    zm("02", "Q4", 50000, "", ""),
]


def test_a_clearing_file_of_unionpay() -> None:
    name = "INN31010388ZM_HOTEL1"
    dispute = "E50 12345678901 12345678901 581802 0103100000 6216***********0018 000000010000 7011 and more"
    found = up_read(clearing(**{name: "\r\n".join(ZM) + "\r\n", "INN31010388ZME_HOTEL1": dispute}))
    lines = lines_of(found)
    assert [(line.kind, line.key, line.gross, line.fee, line.net, line.amount) for line in lines] == [
        (K.CAPTURED, "Q1", 24100, 145, 23955, 24100),
        (K.REFUNDED, "Q2", -5000, -30, -4970, 5000),
        (K.CAPTURE_FAILED, "Q0", -100, 0, -100, 100),
        (None, "Q4", 0, 0, 0, None),
        (K.DISPUTE_OPENED, "ZME:12345678901:581802:0103100000", 0, 0, 0, 10000),
    ]
    assert (lines[0].operation, lines[1].payment_psp, lines[0].at_ms) == ("OP1", "Q1", 1925172000000)
    url = UNIONPAY.encode(FETCH, SITES["unionpay"])
    assert (url.url, b"settleDate=0103" in url.body) == ("https://filedownload.test.95516.com/", True)


def test_a_day_without_a_clearing_file() -> None:
    assert up_read("", code="98").outcome == Refused("not_found", "x")
    assert up_read("", code="37").outcome == Refused("37", "x")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "!",
        b64encode(b"no zlib").decode(),
        b64encode(zlib.compress(b"no zip")).decode(),
        clearing(README="x"),
        clearing(ZM_1=ZM[0][:400]),
        clearing(ZM_1=zm("01", "Q1", 1, "X1", "C1")),
        clearing(ZM_1=zm("01", "Q1", 1, "D1", "C1", c28="HOTEL2")),
    ],
    ids=range(8),
)
def test_a_clearing_file_that_cannot_be_read_is_not_half_read(content: str) -> None:
    with pytest.raises(OutcomeUnknown):
        up_read(content)
