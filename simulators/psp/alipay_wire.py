"""What is signed of Alipay's messages, and its bill: a ZIP file of texts in GBK."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

from simulators.psp.common import TAKEN, Answer, Body, Callback, Movement, beijing, yuan
from simulators.psp.keys import KeyPair, proves

DASHED = "%Y-%m-%d %H:%M:%S"
_COLUMNS = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,"
    "券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
_NAMES = tuple(_COLUMNS.split(","))


def joined(fields: Mapping[str, str], *without: str) -> bytes:
    """``name=value`` by name, joined with ``&``; empty values left out."""
    kept = sorted((name, value) for name, value in fields.items() if value and name not in without)
    return "&".join(f"{name}={value}" for name, value in kept).encode()


def parameters_of(url: str, body: bytes) -> dict[str, str]:
    """Those of the address and of the form together."""
    text = body.decode("utf-8")
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)) | dict(parse_qsl(text, keep_blank_values=True))


def is_the_merchants(parameters: Mapping[str, str], merchant_pem: str) -> bool:
    """Requests are signed with ``sign_type``, notices without."""
    return proves(merchant_pem, joined(parameters, "sign"), parameters.get("sign", ""))


def signed_answer(method: str, node: Body, key: KeyPair, certificate: str = "") -> Answer:
    """Signed are the very characters of the node, escaped slashes among them; ``certificate`` is the number beside."""
    text = json.dumps(node, ensure_ascii=False).replace("/", "\\/")
    name = f"{method.replace('.', '_')}_response" if method else "error_response"
    beside = f',"alipay_cert_sn":"{certificate}"' if certificate else ""
    body = f'{{"{name}":{text}{beside},"sign":"{key.sign(text.encode())}"}}'
    return Answer(200, {"content-type": "text/html;charset=utf-8"}, body.encode())


def signed_notice(fields: Mapping[str, str], key: KeyPair) -> Callback:
    """A form; ``sign_type`` is in it, and not signed."""
    told = {name: value for name, value in fields.items() if value}
    sign = key.sign(joined(told))
    body = urlencode({**told, "sign_type": "RSA2", "sign": sign}).encode()
    return Callback({"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, body)


def bill_of(seller: str, day: str, movements: Sequence[Movement]) -> bytes:
    """The trade bill of a day (业务明细) beside its summary (汇总)."""
    rows = [",".join(_row(movement)) for movement in movements]
    total = yuan(sum(movement.signed for movement in movements))
    details = ["#支付宝业务明细查询", f"#账号：[{seller}]", _COLUMNS, *rows, f"#交易合计：{len(rows)}笔，共{total}元"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        name = f"{seller}_{day.replace('-', '')}_业务明细"
        archive.writestr(f"{name}.csv", "\r\n".join(details).encode("gbk"))
        archive.writestr(f"{name}(汇总).csv", f"#汇总\r\n门店编号,笔数\r\n合计,{len(rows)}\r\n".encode("gbk"))
    return packed.getvalue()


def _row(movement: Movement) -> list[str]:
    """Fields end with tabs. A fee is negative where it is taken, and positive where it is given back."""
    trade, _, request = movement.number.partition(":")
    taken, time = movement.kind == TAKEN, beijing(movement.at_s, DASHED)
    values = {
        "支付宝交易号": trade,
        "商户订单号": movement.reference,
        "业务类型": "交易" if taken else "退款",
        "商品名称": "Stay",
        "创建时间": time,
        "完成时间": time,
        "订单金额（元）": yuan(movement.signed),
        "商家实收（元）": yuan(movement.signed),
        "退款批次号/请求号": request,
        "服务费（元）": yuan(-movement.fee if taken else movement.fee),
    }
    return [f"{values.get(name, '')}\t" for name in _NAMES]
