"""Profiles of guests and companies: OTA_ProfileCreateRQ, OTA_ProfileModifyRQ and the profiles of OTA_ReadRQ.

The sender's own numbers (UniqueID, at least one) say which profile it is, and a change is a full overlay, so that a
profile is kept as it was written and read back the same (OpenTravel 2015A, ProfileType). Numbers of cards are masked.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.opentravel._shared import names
from connectors.opentravel._shared.names import at_most, every, first, value
from connectors.opentravel._shared.notif_report import line_of
from connectors.opentravel._shared.verbatim import copied
from gateway.errors import Malformed, Reason, Unsupported
from gateway.messages import Identity, ProfileAsked, ProfileFound, ProfileReceived, Result
from gateway.wire.redact import redact
from gateway.wire.xml import Node
from gateway.wire.xmlwrite import element

_PROFILE_IN = {names.PROFILE_CREATE: "Profile", names.PROFILE_MODIFY: "ProfileModify"}
_ASKED = f"/{names.READ}/ReadRequests/ProfileReadRequest"
ASKED_MAX = 20
_SEARCHED_BY = ("Company", "Customer")
_LISTED_MAX = 9  # numbers of a profile in a list of profiles


def asks_for_profiles(root: Node) -> bool:
    """Whether OTA_ReadRQ asks for profiles: it says so, or names a profile's number."""
    named = any(value(one, "Type") == names.PROFILE_ID for one in every(root, "UniqueID"))
    return named or first(root, "ReadRequests", "ProfileReadRequest") is not None


def read_profile(root: Node, root_name: str, hotel: str) -> ProfileReceived:
    """A profile to keep, or one that takes the place of what was kept."""
    path, name = f"/{root_name}", _PROFILE_IN[root_name]
    profile = first(root, name)
    if profile is None:
        raise Malformed(f"{name} is missing", Reason.REQUIRED_MISSING, path=f"{path}/{name}", line=line_of(root))
    document = redact(copied(profile, "Profile").encode()).decode()
    return ProfileReceived(hotel, _names(root, path), document, changed=root_name == names.PROFILE_MODIFY)


def read_asked(root: Node, hotel: str) -> list[ProfileAsked]:
    """The profiles that OTA_ReadRQ names; looking for one by what stands in it is refused."""
    found = [ProfileAsked(hotel, _names(root, f"/{names.READ}"))] if every(root, "UniqueID") else []
    requests = at_most(ASKED_MAX, every(root, "ReadRequests", "ProfileReadRequest"), _ASKED)
    for number, node in enumerate(requests, start=1):
        path = f"{_ASKED}[{number}]"
        for name in _SEARCHED_BY:
            if (searched := first(node, name)) is not None:
                told = "profiles are found by their numbers only"
                raise Unsupported(told, path=f"{path}/{name}", line=line_of(searched))
        found.append(ProfileAsked(hotel, _names(node, path)))
    return found


def write_kept(root: Node | None) -> str:
    """The numbers it is kept under, which are the sender's."""
    return "".join(_unique(one) for one in _names(root, "")) if root is not None else ""


def write_found(results: Sequence[Result]) -> str:
    """All profiles that were found."""
    found = [result for result in results if isinstance(result, ProfileFound)]
    written = [
        element("ProfileInfo", "".join(_unique(one) for one in each.names[:_LISTED_MAX]) + each.document)
        for each in found
    ]
    return element("Profiles", "".join(written)) if written else ""


def _names(node: Node, path: str) -> tuple[Identity, ...]:
    found = []
    for number, one in enumerate(every(node, "UniqueID"), start=1):
        if not value(one, "ID"):
            place = f"{path}/UniqueID[{number}]/@ID"
            raise Malformed("ID is missing", Reason.REQUIRED_MISSING, path=place, line=line_of(one))
        found.append(Identity(value(one, "Type"), value(one, "ID")))
    if not found:
        raise Malformed("UniqueID is missing", Reason.REQUIRED_MISSING, path=f"{path}/UniqueID", line=line_of(node))
    return tuple(dict.fromkeys(found))


def _unique(one: Identity) -> str:
    return element("UniqueID", "", Type=one.kind or names.PROFILE_ID, ID=one.number)
