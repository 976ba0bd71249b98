"""What is signed of UnionPay's messages (ACP 5.1.0), and its clearing file."""

import hashlib
import io
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlencode

from simulators.psp.common import TAKEN, Answer, Body, Callback, beijing
from simulators.psp.keys import Chain, proves

# Of the transaction lines, in bytes; the last four columns differ between ages of the file.
WIDTHS = (
    *(3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2),
    *(4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 32, 13, 2, 1, 12, 67),
)


def digest_of(fields: Mapping[str, str]) -> bytes:
    """What is signed: the hexadecimal hash of the fields by name, without empty ones."""
    kept = sorted((name, value) for name, value in fields.items() if value and name != "signature")
    return hashlib.sha256("&".join(f"{name}={value}" for name, value in kept).encode()).hexdigest().encode()


def refusal_of(fields: Mapping[str, str], account: tuple[str, str, str]) -> str:
    """A response code, or nothing; ``account`` is the ``merId``, the certificate's number and the public key."""
    mer_id, number, public_pem = account
    if fields.get("version") != "5.1.0" or fields.get("signMethod") != "01":
        return "10"
    if fields.get("merId") != mer_id:
        return "31"
    proven = fields.get("certId") == number and proves(public_pem, digest_of(fields), fields.get("signature", ""))
    return "" if proven else "11"


def read_form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True))


def signed_fields(fields: Mapping[str, str], chain: Chain) -> dict[str, str]:
    """With the certificate that proves them, whose line ends are signed too."""
    own = {name: value for name, value in fields.items() if name not in ("signature", "certId", "backUrl", "frontUrl")}
    own |= {"version": "5.1.0", "signMethod": "01", "signPubKeyCert": chain.signer}
    return own | {"signature": chain.key.sign(digest_of(own))}


def signed_answer(fields: Mapping[str, str], chain: Chain) -> Answer:
    """It looks like a form, and nothing in it is encoded."""
    text = "&".join(f"{name}={value}" for name, value in sorted(signed_fields(fields, chain).items()))
    return Answer(200, {"content-type": "text/html;charset=utf-8"}, text.encode())


def signed_callback(fields: Mapping[str, str], chain: Chain) -> Callback:
    """A form."""
    body = urlencode(signed_fields(fields, chain)).encode()
    return Callback({"content-type": "application/x-www-form-urlencoded;charset=utf-8"}, body)


def file_of(mer_id: str, rows: Sequence[Body], disputes: Sequence[Body]) -> str:
    """The clearing file and that of the disputes, as ``fileContent`` has them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"INN00000000ZM_{mer_id}", "".join(_line(mer_id, row) for row in rows).encode("gbk"))
        if disputes:
            lines = "".join(_dispute(row) for row in disputes)
            archive.writestr(f"INN00000000ZME_{mer_id}", lines.encode("gbk"))
    return b64encode(zlib.compress(packed.getvalue())).decode()


def _line(mer_id: str, row: Body) -> str:
    """C is a credit to the merchant, D a debit; what is settled is net of the fee."""
    taken = row["kind"] == TAKEN
    values = {
        1: "S22",
        5: beijing(row["at_s"], "%m%d%H%M%S"),
        7: f"{row['amount']:012d}",
        10: row["queryId"],
        12: row["orderId"],
        16: f"{'D' if taken else 'C'}{row['fee']:012d}",
        17: f"{'C' if taken else 'D'}{row['amount'] - row['fee']:012d}",
        20: row["txnType"],
        21: "00",
        27: row["origQryId"],
        28: mer_id,
    }
    return " ".join(str(values.get(place, "")).ljust(width) for place, width in enumerate(WIDTHS, 1)) + "\r\n"


def _dispute(row: Body) -> str:
    """Its first eight columns, and a tail that nobody agrees on."""
    values = {1: "S31", 4: "000001", 5: beijing(row["at_s"], "%m%d%H%M%S"), 7: f"{row['amount']:012d}", 8: "7011"}
    columns = [str(values.get(place, "")).ljust(width) for place, width in enumerate(WIDTHS[:8], 1)]
    return " ".join([*columns, row["queryId"].ljust(200)]) + "\r\n"
