"""What a handshake leaves of a profile for the client: the version, what may be pushed, and complete sets or deltas.

Source: AlpineBits HotelData, chapter on handshaking; protocol sheet, sections 1.3 and 1.4.
"""

from __future__ import annotations

import msgspec

from connectors.opentravel.alpinebits import actions
from connectors.opentravel.alpinebits.handshake import Offer, OfferedVersion, intersection
from connectors.opentravel.alpinebits.profile import AlpineBitsProfile, offer_of, profile_of
from connectors.opentravel.alpinebits.terms import FREE_ROOMS, FREE_ROOMS_2018, RATE_PLANS, V2020, V2022
from gateway.contract import Agreed, Capabilities, Confirmed, Decoded, Refused
from gateway.model.ari import ASPECT_OF, Aspect, Field

_DOW = {Field.CTA: RATE_PLANS + "ArrivalDOW", Field.CTD: RATE_PLANS + "DepartureDOW"}


def agree(theirs: Offer, profile: AlpineBitsProfile) -> Decoded:
    """The highest version that both have; refused where nothing can be pushed in it."""
    common = intersection(theirs, offer_of(profile.version)).versions
    if not common:
        named = ", ".join(one.version for one in theirs.versions[:10]) or "none"
        return Decoded(Refused("", f"no version in common: it names {named}, here it is {profile.version} at most"))
    best = max(common, key=lambda one: one.version)
    family = _free_rooms(best.version)
    on = _names(best)
    if actions.ACTIONS[_action(best.version)].handshake not in on:
        return Decoded(Refused("", f"it takes no FreeRooms in {best.version}, the highest version in common"))
    if family + "categories" not in on:
        return Decoded(Refused("", f"its FreeRooms in {best.version} are for single rooms, not for categories"))
    return Decoded(Confirmed(best.version), agreed=Agreed(best.version, on))


def narrowed(profile: AlpineBitsProfile, agreed: Agreed) -> Capabilities:
    """The capabilities of the agreed version, without what the counterpart does not take."""
    on = frozenset(agreed.capabilities)
    deltas = _free_rooms(agreed.version) + "deltas" in on
    # Before 2022-10 complete sets need no capability of their own, and who takes no deltas takes nothing else.
    sets = not deltas or agreed.version < V2022 or FREE_ROOMS + "complete_set" in on
    spoken = profile_of(agreed.version)
    fields = frozenset(field for field in profile.fields & spoken.fields if _takes(field, on))
    capabilities = msgspec.structs.replace(spoken, fields=fields).capabilities()
    return msgspec.structs.replace(capabilities, deltas=deltas, complete_sets=sets)


def _takes(field: Field, on: frozenset[str]) -> bool:
    """What is pushed to rate plans are overlays, and rules are for one category."""
    if ASPECT_OF[field] is Aspect.LIMIT:
        return True
    overlays = actions.ACTIONS[actions.RATE_PLANS].handshake in on and RATE_PLANS + "overlay" in on
    if ASPECT_OF[field] is Aspect.PRICES:
        return overlays
    return (
        overlays
        and RATE_PLANS + "RatePlan_RoomType_BookingRule" in on
        and _DOW.get(field, RATE_PLANS)
        in {
            RATE_PLANS,
            *on,
        }
    )


def _names(version: OfferedVersion) -> tuple[str, ...]:
    return tuple(name for one in version.actions for name in (one.action, *one.supports))


def _free_rooms(version: str) -> str:
    return FREE_ROOMS if version >= V2020 else FREE_ROOMS_2018


def _action(version: str) -> str:
    return actions.FREE_ROOMS if version >= V2020 else actions.FREE_ROOMS_2018
