"""ARI documents to one :class:`AriReceived`: streamed, one walk, nothing kept but the updates (sheet, sections 3, 4).

What the three kinds of document share: a list element with the hotel's code, items with a StatusApplicationControl,
refusal of what is known and cannot be kept, and saying where a fault is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sized
from typing import Any, Generic, NoReturn, TypeVar

from connectors.opentravel._shared.names import COMPLETE_SET, REFERENCE_ID, both, every, first
from connectors.opentravel._shared.profile import Profile
from connectors.opentravel._shared.target import Targets
from gateway.errors import Malformed, Reason, Refusal, Unsupported
from gateway.messages import AgeBand, Clearing
from gateway.model.ari import ASPECT_OF, AriUpdate, Aspect, Field, Setting
from gateway.wire import xml, xml_lists, xml_streams
from gateway.wire.xml import Attributes
from gateway.wire.xml_streams import Take

Settings = tuple[Setting, ...]
Said = TypeVar("Said")

_SAID_MAX = 1_000

# For elements that only hold others. A builtin, because calling a method of ours costs twice as much.
PASS: Take = bool


def check_count(said: Sized) -> None:
    """Refuses an item that says more than there are fields many times over: each of it would be painted."""
    if len(said) > _SAID_MAX:
        raise Malformed(f"{len(said)} settings in one item, at most {_SAID_MAX} are taken", Reason.TOO_LARGE)


class AriCollector(ABC, Generic[Said]):
    """Collects ``updates`` and the ``hotel``. An item ends when the next one begins, or at ``finish``.

    ``Said`` is what the elements below an item say, as far as it doesn't depend on the item's target: the same for all
    items that say the same. ``counted`` says that a counter (UniqueID of type 16) stood anywhere, ``complete`` that the
    document is all there is.
    """

    root: str
    container: str
    item: str
    head = "StatusApplicationControl"
    # What a complete set replaces, where it holds nothing that would say so.
    aspects: frozenset[Aspect]

    def __init__(self, profile: Profile, currency: str) -> None:
        self.profile = profile
        self.currency = currency
        self.hotel = ""
        self._contained = False
        self.updates: list[AriUpdate] = []
        self.count = 0
        self.counted = False
        self.complete = False
        self._targets = Targets(profile)
        self._item: Attributes | None = None
        self._control: Attributes | None = None
        self._settings_by_content: dict[Settings, Settings] = {}

    @property
    def takes(self) -> Mapping[str, Take]:
        return both(
            {
                self.root: self._take_root,
                **dict.fromkeys(("POS", "Source", "RequestorID", "BookingChannel", "CompanyName"), PASS),
                "UniqueID": self._take_unique_id,
                self.container: self._take_container,
                self.item: self._take_item,
                self.head: self._take_control,
                **self._parts(),
            }
        )

    def begin(self, item: Attributes, head: Attributes | None = None) -> None:
        """An item, or what stands for one in a message of another kind, with its target where that is known."""
        self.count += 1
        self._item = item
        self._control = head

    @abstractmethod
    def said(self) -> Said:
        """What was said since the item began. Nothing of it is kept here, and nobody changes it any more."""

    @abstractmethod
    def end(self, said: Said) -> None:
        """Adds the updates of the item at hand."""

    def finish(self) -> None:
        """The last item has no successor to end it."""
        if self._item is not None:
            self.end(self.said())
            self._item = None

    @property
    def bands(self) -> tuple[AgeBand, ...]:
        """Prices by age that stand behind the updates; only rates have any."""
        return ()

    @property
    def record(self) -> str:
        """The sender's number for the item at hand."""
        return (self._item or {}).get("LocatorID", "")

    @abstractmethod
    def _parts(self) -> dict[str, Take]:
        """The elements below an item."""

    def _add(self, update: AriUpdate) -> None:
        self.updates.append(update)

    def _take_root(self, attributes: Attributes) -> None:
        """Nothing in it concerns the updates."""

    def _take_unique_id(self, attributes: Attributes) -> None:
        self.counted = self.counted or attributes.get("Type", "").strip() == REFERENCE_ID
        if attributes.get("Instance") == COMPLETE_SET:
            if self.count:
                raise Unsupported("one item of a message is no complete set", path="UniqueID/@Instance")
            self.complete = True

    def _take_container(self, attributes: Attributes) -> None:
        hotel = attributes.get("HotelCode", "").strip()
        if self._contained and hotel != self.hotel:
            path = f"/{self.root}/{self.container}/@HotelCode"
            raise Unsupported(
                f"one message is for one hotel, not {self.hotel!r} and {hotel!r}", Reason.HOTEL, path=path
            )
        self._contained, self.hotel = True, hotel

    def _take_item(self, attributes: Attributes) -> None:
        self.finish()
        self.begin(attributes)

    def _take_control(self, attributes: Attributes) -> None:
        if self._control is not None:
            raise Malformed(f"an item has one {self.head}", path=self.head)
        self._control = attributes

    def _shared(self, settings: Settings) -> Settings:
        """One object for equal settings of a document: whoever reads on looks at each object once."""
        check_count(settings)
        return self._settings_by_content.setdefault(settings, settings)

    def _refuse(self, name: str, why: str) -> Take:
        def take(attributes: Attributes) -> NoReturn:
            raise Unsupported(f"{name}: {why}", path=name)

        return take


AnyCollector = AriCollector[Any]


def clearings(found: AnyCollector) -> tuple[Clearing, ...]:
    """What a complete set, or a full load, takes away before its updates are painted."""
    if found.complete:
        said = {ASPECT_OF[setting.field] for update in found.updates for setting in update.settings}
        return tuple(Clearing(aspect) for aspect in Aspect if aspect in (said or found.aspects))
    if found.counted or not found.profile.full_load:
        return ()
    return _of_products(found)


def _of_products(found: AnyCollector) -> tuple[Clearing, ...]:
    """Whatever a full load speaks of, of each of its products (other dialects, section 4).

    What it says of all rooms, or of all plans of one, takes nothing away: clearing has no narrower word for it.
    """
    said = (
        Clearing(ASPECT_OF[setting.field], update.room, update.plan)
        for update in found.updates
        for setting in update.settings
        if setting.field is not Field.FIGURE_BY
    )
    named = (one for one in said if one.room and bool(one.plan) != (one.aspect is Aspect.LIMIT))
    return tuple(dict.fromkeys(named))


def check_items(found: AnyCollector, read: Callable[[], xml.Node]) -> None:
    """Refuses a message without items: what was meant to be in it is misspelt or lost.

    A complete set may be empty, but then nothing else may stand in the place of items: it would take everything away.
    """
    if found.count:
        return
    root = read()
    container = first(root, found.container)
    if not found.complete or container is None or len(container):
        path = f"/{found.root}/{found.container}/{found.item}"
        line = int((root if container is None else container).sourceline or 0) or None
        raise Malformed(f"there is no {found.item}", Reason.REQUIRED_MISSING, path=path, line=line)


def decode(
    data: bytes, collector: type[AnyCollector], profile: Profile, currency: str, limits: xml.Limits
) -> AnyCollector:
    """The finished collector; a refusal names the path of the fault, its line and the item's own number.

    ``data`` has been through :func:`gateway.wire.xml.peek`.
    """
    started: list[AnyCollector] = []

    def new() -> AnyCollector:
        started.append(collector(profile, currency))
        return started[-1]

    try:
        found = xml_lists.collect(data, new, limits)
    except Refusal as error:
        if started and started[-1].count and error.line is None:
            _locate(error, started[-1], lambda: xml.read_tree(data, limits))
        raise
    return found


def decode_tree(root: xml.Node, collector: type[AnyCollector], profile: Profile, currency: str) -> AnyCollector:
    """The same from a document that has been read already."""
    found = collector(profile, currency)
    try:
        xml_streams.replay(root, found)
        found.finish()
    except Refusal as error:
        if found.count and error.line is None:
            _locate(error, found, lambda: root)
        raise
    return found


def _locate(error: Refusal, at: AnyCollector, read: Callable[[], xml.Node]) -> None:
    """Fills in where the fault is. The document is read a second time, but only when it is refused anyway."""
    inner = error.path or ""
    if inner.startswith("/"):
        return
    error.path = f"/{at.root}/{at.container}/{at.item}[{at.count}]" + (f"/{inner}" if inner else "")
    error.record = error.record or at.record.strip() or None
    items = every(read(), at.container, at.item)
    if at.count <= len(items):
        node = items[at.count - 1]
        for step in inner.split("/"):
            found = next((child for child in node.iter() if xml.name_of(child) == step), None)
            node = node if found is None else found
        error.line = int(node.sourceline or 0) or None
