"""Handshaking: what one side offers, and what both have in common.

The offer travels as JSON inside EchoData (AlpineBits HotelData, chapter Handshaking; protocol sheet, section 1.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from connectors.opentravel.alpinebits.actions import ACTIONS, HANDSHAKE
from connectors.opentravel.alpinebits.terms import V2024
from gateway.errors import Malformed

HANDSHAKE_STATUS = "ALPINEBITS_HANDSHAKE"


class OfferedAction(msgspec.Struct, omit_defaults=True):
    """``supports`` are capabilities; empty lists are left out when written."""

    action: str
    supports: list[str] = []


class OfferedVersion(msgspec.Struct, omit_defaults=True):
    """A version with what can be done in it."""

    version: str
    actions: list[OfferedAction] = []


class Offer(msgspec.Struct, omit_defaults=True):
    """All versions of one side, or those that both have."""

    versions: list[OfferedVersion] = []


def read_offer(text: str) -> Offer:
    """Raises :class:`Malformed` for what is not such JSON. Members we don't know are passed over."""
    try:
        return msgspec.json.decode(text.encode(), type=Offer)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise Malformed(f"the handshake cannot be read: {error}") from None


def write_offer(offer: Offer) -> str:
    """JSON without empty lists; ``{}`` when there is nothing in common."""
    return msgspec.json.encode(offer).decode()


def intersection(theirs: Offer, ours: Offer) -> Offer:
    """Versions in both; for each the actions in both; for each of those the capabilities in both."""
    return Offer(
        [
            OfferedVersion(mine.version, _actions(found.actions, mine.actions))
            for mine in ours.versions
            if (found := next((one for one in theirs.versions if one.version == mine.version), None)) is not None
        ]
    )


def _actions(theirs: Iterable[OfferedAction], ours: Iterable[OfferedAction]) -> list[OfferedAction]:
    given = {one.action: frozenset(one.supports) for one in theirs}
    return [
        OfferedAction(mine.action, [name for name in mine.supports if name in given[mine.action]])
        for mine in ours
        if mine.action in given
    ]


def our_offer(by_version: Mapping[str, Mapping[str, Iterable[str]]]) -> Offer:
    """From version → action → capabilities, as a profile lists them, newest version first."""
    return Offer(
        [
            OfferedVersion(
                version,
                [
                    OfferedAction(ACTIONS[name].handshake, sorted(supports))
                    for name, supports in actions.items()
                    if ACTIONS[name].handshake and not (name == HANDSHAKE and version >= V2024)
                ],
            )
            for version, actions in sorted(by_version.items(), reverse=True)
        ]
    )
