"""What is signed of Alipay's requests, replies and notices, and with whose key.

A request is signed with ``sign_type``, a trade notice without it. A reply is signed as the very characters that stand
after its node's name: read and written again they would differ in escapes and order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from connectors.payments._shared.form import Fields, signed_text
from connectors.payments.alipay.certificates import is_certificate, issued_below, number_of
from gateway.contract import Key, Site
from gateway.errors import Malformed, Reason, Rejected, Unauthentic
from gateway.model.dates import Instant
from gateway.wire.signatures import sign_rsa, verify_rsa

SIGN_TYPE = "RSA2"
_DECODER = json.JSONDecoder()
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_COLON = re.compile(r"[ \t\r\n]*:[ \t\r\n]*")
_DEPTH_MAX = 50


def signed(parameters: Fields, site: Site, at_ms: Instant) -> dict[str, str]:
    """The parameters without empty ones, with their ``sign``; raises :class:`Rejected` without a key."""
    keys = site.keys_for("sign", at_ms)
    if not keys:
        raise Rejected("the account has no key to sign with", Reason.AUTHENTICATION)
    filled = {name: value for name, value in parameters.items() if value}
    text = signed_text(filled, ("sign",))
    return filled | {"sign": sign_rsa(keys[0].material, text.encode(), keys[0].password)}


def verify_notice(fields: Fields, site: Site, now_ms: Instant) -> str:
    """The id of the key that proves a notice; raises :class:`Unauthentic`.

    Trade and hold notices are signed without ``sign_type``, some others with it. Both are Alipay's signature over
    everything that is left.
    """
    if fields.get("sign_type") != SIGN_TYPE:
        raise Unauthentic("the notice is not signed with RSA2")
    texts = [signed_text(fields, ("sign", "sign_type")), signed_text(fields, ("sign",))]
    return _proven(texts, fields.get("sign", ""), fields.get("alipay_cert_sn", ""), site, now_ms)


def verify_node(node: str, sign: str, certificate: str, site: Site, at_ms: Instant) -> str:
    """Like :func:`verify_notice`, for the characters of a reply's node."""
    return _proven([node], sign, certificate, site, at_ms)


def node_in(body: str, name: str) -> str:
    """The characters of a member's value at the top level of the JSON object; raises :class:`Malformed` without one."""
    quoted = f'"{name}"'
    for at in _top_level_names(body):
        colon = _COLON.match(body, at + len(quoted)) if body.startswith(quoted, at) else None
        if colon:
            try:
                _, end = _DECODER.raw_decode(body, colon.end())
            except (ValueError, RecursionError):
                break
            return body[colon.end() : end]
    raise Malformed(f"the reply has no {name}")


def _top_level_names(body: str) -> list[int]:
    """Where strings begin that stand directly in the outermost object and before a colon."""
    found, depth, at = [], 0, 0
    while at < len(body) and depth <= _DEPTH_MAX:
        character = body[at]
        if character == '"':
            string = _STRING.match(body, at)
            if string is None:
                break
            if depth == 1 and _COLON.match(body, string.end()):
                found.append(at)
            at = string.end()
            continue
        depth += (character in "{[") - (character in "}]")
        at += 1
    return found


def _proven(texts: Sequence[str], sign: str, certificate: str, site: Site, at_ms: Instant) -> str:
    for key in _theirs(site, certificate, at_ms):
        for text in texts:
            try:
                verify_rsa(key.material, text.encode("utf-8", "surrogatepass"), sign)
            except Unauthentic:
                continue
            return key.id
    raise Unauthentic("the signature does not belong to this message")


def _theirs(site: Site, certificate: str, at_ms: Instant) -> Sequence[Key]:
    """Their keys that may have signed: with a certificate's number only that one, below the configured roots."""
    keys = site.keys_for("theirs", at_ms)
    if not certificate:
        return [key for key in keys if not is_certificate(key.material) or issued_below(key, site, at_ms)]
    named = [key for key in keys if is_certificate(key.material) and number_of(key.material) == certificate]
    return [key for key in named if issued_below(key, site, at_ms)]
