"""Adyen calls us: Basic credentials before anything is read, then the signature of every single item.

One item that does not verify refuses the whole message. Adyen holds the queue of an endpoint up while a message fails,
so whatever is genuine is taken, if need be for a person to look at, and a refusal is worth an alarm.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.payments._shared.document import PaymentDocument, as_callback, status_of
from connectors.payments._shared.profile import is_live, profile_of
from connectors.payments.adyen.encode import NAME
from connectors.payments.adyen.events import facts_of
from connectors.payments.adyen.items import Item, read, signature_of, success_text
from gateway.contract import Document, Key, Reply, Site
from gateway.errors import Reason, Refusal, Unauthentic
from gateway.messages import Event, Query
from gateway.messages_payment import PaymentNotified
from gateway.model.dates import Instant
from gateway.model.payment import Fact
from gateway.wire.http_auth import CHALLENGE, parse_basic
from gateway.wire.signatures import hex_key, same

# Reports come without a signature. They make us fetch a file from a host we know, and nothing else.
UNSIGNED = frozenset({"REPORT_AVAILABLE"})


def verify(document: Document, site: Site, now_ms: Instant) -> None:
    """Basic, then account and mode of every item, then its signature."""
    callback = as_callback(document)
    _check_login(callback, site)
    message = read(callback.raw)
    if message.is_live != is_live(site):
        raise Unauthentic("a test notification for a live account, or the reverse", Reason.AUTHORIZATION)
    keys = site.keys_for("callback", now_ms)
    for item in message.items:
        if item.merchant_account_code not in _accounts(site):
            raise Unauthentic("a notification of another merchant account", Reason.AUTHORIZATION)
        callback.verified_with = _check_signature(item, keys) or callback.verified_with


def parse(document: Document, site: Site) -> Sequence[Event | Query]:
    """One event for each item."""
    amounts = profile_of(NAME, site.profile).amounts
    message = read(as_callback(document).raw)
    several = site.options.get("several_captures") is True
    return tuple(_notified(item, *facts_of(item, amounts, several_captures=several)) for item in message.items)


def refuse(document: Document | None, error: Refusal, now_ms: Instant) -> Reply:
    """A status without a body: Adyen comes again after anything but ``[accepted]``."""
    status = status_of(error, apart=True)
    return Reply(status, {"www-authenticate": CHALLENGE} if status == 401 else {}, b"")


def _check_login(callback: PaymentDocument, site: Site) -> None:
    username, password = parse_basic(callback.headers.get("authorization", ""))
    check = site.check_inbound
    if check is None or not site.inbound_username:
        raise Unauthentic("this account has no login for notifications")
    known = same(username, site.inbound_username)
    if not (check(password) and known):
        raise Unauthentic("user or password is wrong")


def _check_signature(item: Item, keys: Sequence[Key]) -> str:
    """The id of the key that proves the item; empty for the kinds that come without a signature."""
    given = item.data.get("hmacSignature")
    if given is None and item.event_code in UNSIGNED:
        return ""
    if not isinstance(given, str):
        raise Unauthentic(f"an item {item.event_code[:60]!r} without a signature", Reason.AUTHORIZATION)
    for key in keys:
        if same(given, signature_of(item, hex_key(key.material))):
            return key.id
    raise Unauthentic("the signature does not belong to this item", Reason.AUTHORIZATION)


def _accounts(site: Site) -> tuple[str, ...]:
    """One endpoint may serve several merchant accounts of a hotel."""
    return (site.hotel, *map(str, site.options.get("merchant_accounts", ())))


def _notified(item: Item, facts: tuple[Fact, ...], park: str) -> PaymentNotified:
    return PaymentNotified(
        account=item.merchant_account_code,
        dedupe=f"{item.event_code}:{item.psp_reference}:{success_text(item)}",
        name=item.event_code,
        facts=facts,
        park=park,
    )
