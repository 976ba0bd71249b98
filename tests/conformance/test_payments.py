"""The payment connectors, put to the kit. Callbacks are acknowledged and refused by bare statuses."""

from __future__ import annotations

from connectors.payments.adyen import CONNECTOR as ADYEN
from connectors.payments.alipay import CONNECTOR as ALIPAY
from connectors.payments.stripe import CONNECTOR as STRIPE
from connectors.payments.unionpay import CONNECTOR as UNIONPAY
from connectors.payments.wechatpay import CONNECTOR as WECHATPAY
from gateway.testing import conformance
from tests.connectors.payments import china
from tests.connectors.payments.accounts import FIXTURES, samples, show_stripe, site

BARE = "these gateways want a status without a body; tests/connectors/payments looks at the answers"
WAIVED = dict.fromkeys(("C80", "C81", "C82", "C83"), BARE)

TestStripe = conformance(
    STRIPE,
    profile="stripe",
    fixtures=FIXTURES / "stripe",
    site=site("stripe"),
    samples=samples("pi_3RkTq2LkdIwHu7ix0VbYhZ1a", "cs_test_a1B2c3D4", "po_1RkUabLkdIwHu7ix"),
    show=show_stripe,
    waive=WAIVED | {"C72": "the login is the signing key; without one nothing verifies, see test_stripe_webhook"},
)
TestAdyen = conformance(
    ADYEN,
    profile="adyen",
    fixtures=FIXTURES / "adyen",
    site=site("adyen"),
    samples=samples("KHQC5N7G84BLNK43", "PL61C53A8B97E6915A", "settlement_detail_report_batch_42.csv"),
    waive=WAIVED,
)
# The callbacks of these three are proven by a signature only, so their login is the key that signs.
KEYED = {"C72": "the login is the signing key; without one nothing verifies, see tests/connectors/payments"}
TestAlipay = conformance(
    ALIPAY,
    profile="alipay",
    fixtures=FIXTURES / "alipay",
    site=china.site("alipay"),
    samples=china.samples("alipay"),
    show=china.show_alipay,
    waive=KEYED,
)
TestWeChatPay = conformance(
    WECHATPAY,
    profile="wechatpay",
    fixtures=FIXTURES / "wechatpay",
    site=china.site("wechatpay"),
    samples=china.samples("wechatpay"),
    show=china.show_wechat,
    waive=KEYED | {"C80": BARE},
)
TestUnionPay = conformance(
    UNIONPAY,
    profile="unionpay",
    fixtures=FIXTURES / "unionpay",
    site=china.site("unionpay"),
    samples=china.samples("unionpay"),
    show=china.show_unionpay,
    waive=KEYED,
)
