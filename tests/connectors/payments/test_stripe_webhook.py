"""Stripe's callbacks: the official library and we accept and refuse the same, but for timestamps of the future."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from connectors.payments.stripe import CONNECTOR
from gateway.contract import Head, Key, Site
from gateway.errors import Malformed, Reason, Rejected, Unauthentic
from gateway.messages import Applied
from gateway.messages_payment import PaymentNotified
from gateway.testing.subject import NOW_MS
from tests.connectors.payments.accounts import FIXTURES, STRIPE_SECRET, site, stripe_header

SITE = site("stripe")
BODY = (FIXTURES / "stripe" / "payment_intent" / "paid.json").read_bytes()
NOW_S = NOW_MS // 1000


def verify(body: bytes, header: str | None, account: Site = SITE, now_ms: int = NOW_MS) -> str:
    headers = {} if header is None else {"stripe-signature": header}
    document = CONNECTOR.open(Head("POST", "/payments/stripe/t", headers), [body])
    CONNECTOR.verify(document, account, now_ms)
    return getattr(document, "verified_with", "")


def refused(body: bytes, header: str | None, account: Site = SITE) -> Unauthentic:
    with pytest.raises(Unauthentic) as caught:
        verify(body, header, account)
    return caught.value


def test_the_right_signature_is_accepted_and_its_key_named() -> None:
    assert verify(BODY, stripe_header(BODY)) == "s1"


def test_every_changed_byte_is_refused() -> None:
    header = stripe_header(BODY)
    for place in range(len(BODY)):
        changed = bytearray(BODY)
        changed[place] ^= 1
        refused(bytes(changed), header)
    for end in (0, 1, len(BODY) - 1):
        if BODY[:end].strip():
            refused(BODY[:end], header)
    refused(BODY + b"\n", header)


def test_every_changed_digit_of_the_header_is_refused() -> None:
    header = stripe_header(BODY)
    for place in range(len(header)):
        other = "0" if header[place] != "0" else "1"
        refused(BODY, header[:place] + other + header[place + 1 :])


@pytest.mark.parametrize("seconds", [-301, 301, -86_400, 86_400])
def test_stale_and_future_timestamps_are_refused(seconds: int) -> None:
    refused(BODY, stripe_header(BODY, at_s=NOW_S + seconds))
    assert verify(BODY, stripe_header(BODY, at_s=NOW_S + (299 if seconds > 0 else -299)))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=1",
        "v1=aa",
        f"t={NOW_S}",
        stripe_header(BODY, scheme="v0"),
        stripe_header(BODY).replace("t=", "t=+"),
        f"t={NOW_S},{stripe_header(BODY)}",
        stripe_header(BODY).replace(f"t={NOW_S},", ""),
        f"t={NOW_S}," + ",".join(["v1=00"] * 1000),
        "t=٣,v1=00",
    ],
)
def test_headers_that_prove_nothing_are_refused(header: str | None) -> None:
    refused(BODY, header)


def test_any_of_several_signatures_and_either_of_two_secrets_will_do() -> None:
    both = stripe_header(BODY, "whsec_new") + "," + stripe_header(BODY, STRIPE_SECRET).partition(",")[2]
    assert verify(BODY, both)
    rolled = msgspec.structs.replace(
        SITE, keys=(Key("callback", "whsec_old", "old", until_ms=NOW_MS + 1), Key("callback", "whsec_new", "new"))
    )
    assert verify(BODY, stripe_header(BODY, "whsec_old"), rolled) == "old"
    assert verify(BODY, stripe_header(BODY, "whsec_new"), rolled) == "new"
    with pytest.raises(Unauthentic):
        verify(BODY, stripe_header(BODY, "whsec_old", at_s=NOW_S + 10), rolled, NOW_MS + 10_000)


@pytest.mark.parametrize("keys", [(), (Key("callback", ""),), (Key("sign", STRIPE_SECRET),)])
def test_an_account_without_a_secret_lets_nobody_in(keys: tuple[Key, ...]) -> None:
    account = msgspec.structs.replace(SITE, keys=keys)
    refused(BODY, stripe_header(BODY), account)
    refused(BODY, stripe_header(BODY, ""), account)


def signed(change: Callable[[dict[str, Any]], None]) -> tuple[bytes, str]:
    event = msgspec.json.decode(BODY)
    change(event)
    body = msgspec.json.encode(event)
    return body, stripe_header(body)


def test_another_mode_or_account_is_refused_although_signed() -> None:
    live = signed(lambda event: event.update(livemode=True))
    assert refused(*live).reason is Reason.AUTHORIZATION
    assert verify(*live, account=msgspec.structs.replace(SITE, options={"live": True}))
    connected = signed(lambda event: event.update(account="acct_other"))
    assert refused(*connected).reason is Reason.AUTHORIZATION
    ours = msgspec.structs.replace(SITE, options={"connect_account": "acct_ours"})
    refused(*connected, account=ours)
    refused(BODY, stripe_header(BODY), ours)
    assert verify(*signed(lambda event: event.update(account="acct_ours")), account=ours)


@pytest.mark.parametrize("body", [b"[]", b"{}", b"\xff\xfe", b'{"object":"event"}', b"not json"])
def test_signed_nonsense_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        verify(body, stripe_header(body))


def test_answers_are_bare_statuses() -> None:
    document = CONNECTOR.open(Head("POST", "/", {}), [BODY])
    events = CONNECTOR.parse(document, SITE)
    done = CONNECTOR.answer(document, SITE, [Applied() for _ in events], NOW_MS)
    assert (done.status, done.body) == (200, b"")
    later = CONNECTOR.answer(document, SITE, [Rejected("no", Reason.UNAVAILABLE)], NOW_MS)
    assert (later.status, later.body) == (500, b"")
    assert CONNECTOR.refuse(None, Unauthentic("no"), NOW_MS).status == 400
    assert CONNECTOR.refuse(None, Malformed("no", Reason.TOO_LARGE), NOW_MS).status == 413


def test_the_client_secret_is_not_kept() -> None:
    document = CONNECTOR.open(Head("POST", "/", {}), [BODY])
    assert b"_secret_" in BODY
    assert b"_secret_" not in document.archive
    assert document.archive.count(b"client_secret") == 1


def test_the_official_library_accepts_what_we_accept() -> None:
    stripe = pytest.importorskip("stripe", reason="the official library of Stripe is not installed")
    oracle = stripe.WebhookSignature
    header = oracle.generate_signature_header(BODY.decode(), STRIPE_SECRET, NOW_S)
    assert header == stripe_header(BODY)
    assert verify(BODY, header)
    assert oracle.verify_header(BODY.decode(), stripe_header(BODY), STRIPE_SECRET)
    for place in range(0, len(BODY), 7):
        changed = bytearray(BODY)
        changed[place] ^= 1
        with pytest.raises(stripe.SignatureVerificationError):
            oracle.verify_header(changed.decode("latin-1"), header, STRIPE_SECRET)


def test_an_event_of_its_own_making_is_read_as_the_official_library_reads_it() -> None:
    stripe = pytest.importorskip("stripe", reason="the official library of Stripe is not installed")
    event = stripe.Event.construct_from(msgspec.json.decode(BODY), "sk_test")
    document = CONNECTOR.open(Head("POST", "/", {}), [BODY])
    (found,) = CONNECTOR.parse(document, SITE)
    assert isinstance(found, PaymentNotified)
    assert (found.dedupe, found.name) == (event.id, event.type)
    assert {fact.amount for fact in found.facts} == {event.data.object.amount_received}
