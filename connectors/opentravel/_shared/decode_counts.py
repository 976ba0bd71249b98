"""OTA_HotelInvCountNotifRQ: rooms to sell by count type (sheet, section 3.3; code list INV)."""

from __future__ import annotations

from connectors.opentravel._shared.decode_ari import PASS, AriCollector, Settings
from connectors.opentravel._shared.names import INV_COUNT, described
from connectors.opentravel._shared.numbers import parse_count, parse_signed
from connectors.opentravel._shared.profile import Profile
from gateway.errors import Reason, Unsupported
from gateway.model.ari import AriUpdate, Aspect, Field, Setting
from gateway.wire.xml import Attributes
from gateway.wire.xml_streams import Take

Said = tuple[Settings, str]


class CountsCollector(AriCollector[Said]):
    """The profile's count type (2: definite availability) is the figure.

    Other counts beside it explain it, alone they cannot be used.
    """

    root = INV_COUNT
    container = "Inventories"
    item = "Inventory"
    aspects = frozenset((Aspect.LIMIT,))

    def __init__(self, profile: Profile, currency: str) -> None:
        super().__init__(profile, currency)
        self._setting: Setting | None = None
        self._record = ""

    def _parts(self) -> dict[str, Take]:
        return {
            "InvCounts": PASS,
            "InvCount": self._take_count,
            "InvBlockCutoff": self._refuse("InvBlockCutoff", "blocks are not kept"),
            "OffSell": self._refuse("OffSell", "selling below or above the count is not kept"),
        }

    @property
    def record(self) -> str:
        return self._record

    def _take_unique_id(self, attributes: Attributes) -> None:
        super()._take_unique_id(attributes)
        if self._item is not None:
            self._record = attributes.get("ID", "").strip()

    def _take_count(self, attributes: Attributes) -> None:
        if attributes.get("CountType", "").strip() != self.profile.count_type:
            return
        action = attributes.get("ActionType", "").strip()
        count = attributes.get("Count", "")
        if action == "Adjustment":
            self._setting = Setting(Field.FIGURE_BY, parse_signed(count, "InvCounts/InvCount/@Count"))
        elif action in ("", "Remaining"):
            self._setting = Setting(Field.FIGURE, parse_count(count, "InvCounts/InvCount/@Count"))
        else:
            path = "InvCounts/InvCount/@ActionType"
            raise Unsupported(f"ActionType {action!r} is not the number of rooms to sell", path=path)

    def said(self) -> Said:
        """The figure and the item's own number."""
        if self._setting is None:
            path = "InvCounts/InvCount/@CountType"
            text = f"the rooms to sell are needed: CountType {described('inv', self.profile.count_type)}"
            raise Unsupported(text, Reason.REQUIRED_MISSING, path=path)
        settings, self._setting = (self._setting,), None
        return self._shared(settings), self._record

    def end(self, said: Said) -> None:
        settings, self._record = said
        room, plan, first, last, weekdays = self._targets.read(self._control)
        self._add(AriUpdate(room, plan, first, last, settings, weekdays, "", False, self._record))
        self._record = ""
