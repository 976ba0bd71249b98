"""The actions of AlpineBits: their strings in the request and in a handshake, their messages and versions.

Source: AlpineBits HotelData, chapters on the transport and on handshaking; protocol sheet, section 1.4.
"""

from __future__ import annotations

import msgspec

from connectors.opentravel._shared.names import every, first
from connectors.opentravel.alpinebits.terms import V2018, V2020, V2022, VERSIONS
from gateway.wire.xml import Node, name_of

GET_VERSION, GET_CAPABILITIES = "getVersion", "getCapabilities"
HOUSEKEEPING = frozenset((GET_VERSION, GET_CAPABILITIES))

HANDSHAKE = "OTA_Ping:Handshaking"
FREE_ROOMS_2018 = "OTA_HotelAvailNotif:FreeRooms"
FREE_ROOMS = "OTA_HotelInvCountNotif:FreeRooms"
READ = "OTA_Read:GuestRequests"
NOTIF_REPORT = "OTA_NotifReport:GuestRequests"
RES_NOTIF = "OTA_HotelResNotif:GuestRequests"
RES_STATUS = "OTA_HotelResNotif:GuestRequests_StatusUpdate"
INVENTORY = "OTA_HotelDescriptiveContentNotif:Inventory"
INFO = "OTA_HotelDescriptiveContentNotif:Info"
INVENTORY_PULL = "OTA_HotelDescriptiveInfo:Inventory"
INFO_PULL = "OTA_HotelDescriptiveInfo:Info"
RATE_PLANS = "OTA_HotelRatePlanNotif:RatePlans"
BASE_RATES = "OTA_HotelRatePlan:BaseRates"
EVENTS = "OTA_HotelPostEventNotif:EventReports"


class Action(msgspec.Struct, frozen=True):
    """``handshake`` is its name in a handshake, empty where it is implied; ``since`` and ``until`` are inclusive."""

    name: str
    handshake: str
    request: str
    response: str
    since: str = V2018
    until: str = VERSIONS[-1]

    def is_in(self, version: str) -> bool:
        return self.since <= version <= self.until


def _action(name: str, handshake: str, request: str, response: str = "", **versions: str) -> Action:
    return Action(name, handshake, request, response or request.removesuffix("RQ") + "RS", **versions)


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        _action(HANDSHAKE, "action_OTA_Ping", "OTA_PingRQ"),
        _action(FREE_ROOMS_2018, "action_OTA_HotelAvailNotif", "OTA_HotelAvailNotifRQ", until=V2018),
        _action(FREE_ROOMS, "action_OTA_HotelInvCountNotif", "OTA_HotelInvCountNotifRQ", since=V2020),
        _action(READ, "action_OTA_Read", "OTA_ReadRQ", "OTA_ResRetrieveRS"),
        _action(NOTIF_REPORT, "", "OTA_NotifReportRQ"),
        _action(RES_NOTIF, "action_OTA_HotelResNotif_GuestRequests", "OTA_HotelResNotifRQ"),
        _action(RES_STATUS, "action_OTA_HotelResNotif_GuestRequests_StatusUpdate", "OTA_HotelResNotifRQ", since=V2022),
        _action(INVENTORY, "action_OTA_HotelDescriptiveContentNotif_Inventory", "OTA_HotelDescriptiveContentNotifRQ"),
        _action(INFO, "action_OTA_HotelDescriptiveContentNotif_Info", "OTA_HotelDescriptiveContentNotifRQ"),
        _action(INVENTORY_PULL, "action_OTA_HotelDescriptiveInfo_Inventory", "OTA_HotelDescriptiveInfoRQ"),
        _action(INFO_PULL, "action_OTA_HotelDescriptiveInfo_Info", "OTA_HotelDescriptiveInfoRQ"),
        _action(RATE_PLANS, "action_OTA_HotelRatePlanNotif_RatePlans", "OTA_HotelRatePlanNotifRQ"),
        _action(BASE_RATES, "action_OTA_HotelRatePlan_BaseRates", "OTA_HotelRatePlanRQ"),
        _action(EVENTS, "action_OTA_HotelPostEventNotif_EventReports", "OTA_HotelPostEventNotifRQ", since=V2020),
    )
}

_ABOUT_THE_HOTEL = ("HotelInfo", "Policies", "AffiliationInfo", "ContactInfos")


def action_of(root: Node, version: str) -> str:
    """The action a message belongs to, where nobody says; empty for one that no action has.

    Where two actions have the same message it is the one whose parts are in it.
    """
    name = name_of(root)
    if name == ACTIONS[INFO].request:
        return _content_action(first(root, "HotelDescriptiveContents", "HotelDescriptiveContent"), version)
    found = (one for one in ACTIONS.values() if name in (one.request, one.response) and one.is_in(version))
    action = next(found, None)
    return action.name if action else ""


def _content_action(content: Node | None, version: str) -> str:
    facilities = first(content, "FacilityInfo")
    about_the_hotel = any(first(content, name) is not None for name in _ABOUT_THE_HOTEL)
    if version > V2018:
        return INVENTORY if facilities is not None else INFO
    rooms = every(facilities, "GuestRooms", "GuestRoom")
    bare = bool(rooms) and all(room.get("MaxOccupancy") is None and first(room, "TypeRoom") is None for room in rooms)
    return INFO if about_the_hotel or bare else INVENTORY
