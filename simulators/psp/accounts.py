"""Each gateway with a merchant that fits it: keys are made now, and what the merchant configures is a plain table.

The table is an entry ``[[payments]]`` of a hotel file, with its secrets in clear.
"""

from functools import cached_property
from secrets import token_hex
from typing import NamedTuple

from simulators.psp.adyen import Adyen
from simulators.psp.alipay import Alipay
from simulators.psp.alipay_certificates import Certificates
from simulators.psp.common import Body, Clock, Psp
from simulators.psp.keys import Chain, KeyPair
from simulators.psp.stripe import Stripe
from simulators.psp.unionpay import UnionPay
from simulators.psp.wechat_books import PUBLIC_KEY_ID, Merchant
from simulators.psp.wechatpay import WechatPay

STRIPE_VERSION = "2026-10-28.endive"
_SELLER, _MCHID, _MERID = "2088000000000001", "1900000001", "777290058110048"


class Keys:
    """RSA keys and certificates, each made when it is first asked for: that takes longer than everything else."""

    @cached_property
    def merchant(self) -> KeyPair:
        return KeyPair()

    @cached_property
    def gateway(self) -> KeyPair:
        return KeyPair()

    @cached_property
    def platform(self) -> KeyPair:
        return KeyPair()

    @cached_property
    def chain(self) -> Chain:
        return Chain()

    @property
    def certificates(self) -> Certificates:
        """Made anew each time, since they change when Alipay's key does."""
        return Certificates(self.merchant.public_pem, self.gateway)


class Made(NamedTuple):
    """A gateway and the account's table."""

    psp: Psp
    account: Body


def make(gateway: str, now_s: Clock, name: str = "", keys: Keys | None = None, *, certificates: bool = False) -> Made:
    """``name`` is the id of the account, ``certificates`` Alipay's certificate mode.

    Raises :class:`KeyError` for another gateway than the five.
    """
    keys = keys or Keys()
    psp, account = _alipay_by_certificates(now_s, keys) if certificates else _MAKERS[gateway](now_s, keys)
    return Made(psp, {"id": name or gateway, "gateway": gateway, "profile": gateway, **account})


def _stripe(now_s: Clock, keys: Keys) -> Made:
    key, secret = f"sk_test_{token_hex(12)}", f"whsec_{token_hex(12)}"
    account = {"secret": key, "keys": [{"use": "callback", "id": "s1", "secret": secret}]}
    return Made(Stripe(key, secret, STRIPE_VERSION, now_s), account)


def _adyen(now_s: Clock, keys: Keys) -> Made:
    key, login, mac = f"AQE{token_hex(12)}", ("notify", token_hex(12)), token_hex(32).upper()
    account: Body = {"account": "SimulatedHotel", "secret": key, "callback": {"username": login[0], "secret": login[1]}}
    account["keys"] = [{"use": "callback", "id": "a1", "secret": mac}]
    account["options"] = {"return_url": "https://hotel.invalid/back"}
    return Made(Adyen(key, "SimulatedHotel", mac, login, now_s), account)


def _alipay(now_s: Clock, keys: Keys) -> Made:
    app_id = "2021000000000001"
    psp = Alipay(app_id, _SELLER, keys.merchant.public_pem, now_s, keys.gateway)
    table = [_key("sign", "", keys.merchant.private_pem), _key("theirs", "a1", psp.key.public_pem)]
    return Made(psp, {"account": _SELLER, "keys": table, "options": {"app_id": app_id}})


def _alipay_by_certificates(now_s: Clock, keys: Keys) -> Made:
    psp, account = _alipay(now_s, keys)
    assert isinstance(psp, Alipay)
    psp.certificates = found = keys.certificates
    table = [_key("sign", "", keys.merchant.private_pem), _key("certificate", "", found.app)]
    table += [_key("root", "", found.roots), _key("theirs", "a1", found.theirs)]
    return Made(psp, account | {"keys": table})


def _wechatpay(now_s: Clock, keys: Keys) -> Made:
    app_id, serial, api_key = "wx0000000000000001", token_hex(20).upper(), token_hex(16)
    merchant = Merchant(_MCHID, app_id, serial, keys.merchant.public_pem, api_key)
    psp = WechatPay(merchant, now_s, (keys.gateway, keys.platform))
    table = [_key("sign", serial, keys.merchant.private_pem), _key("theirs", PUBLIC_KEY_ID, psp.key.public_pem)]
    table += [_key("theirs", psp.platform_serial, psp.platform_certificate), _key("decrypt", "", api_key)]
    return Made(psp, {"account": _MCHID, "keys": table, "options": {"app_id": app_id}})


def _unionpay(now_s: Clock, keys: Keys) -> Made:
    number = "68759663125"
    psp = UnionPay(_MERID, number, keys.merchant.public_pem, now_s, keys.chain)
    table = [_key("sign", number, keys.merchant.private_pem), _key("root", "", psp.chain.root)]
    table.append(_key("middle", "", psp.chain.middle))
    return Made(psp, {"account": _MERID, "keys": table, "options": {"biz_type": "000000"}})


def _key(use: str, number: str, material: str) -> Body:
    return {"use": use, **({"id": number} if number else {}), "secret": material}


_MAKERS = {"stripe": _stripe, "adyen": _adyen, "alipay": _alipay, "wechatpay": _wechatpay, "unionpay": _unionpay}
GATEWAYS = tuple(_MAKERS)
