"""A message as we would send it to Google, from what was understood of it."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.opentravel._shared.decode_ari import AnyCollector, decode_tree
from connectors.opentravel._shared.decode_avail import AvailCollector
from connectors.opentravel._shared.decode_counts import CountsCollector
from connectors.opentravel._shared.decode_rates import RatesCollector
from connectors.opentravel._shared.names import AVAIL, INV_COUNT, RATES, content, every, first, value
from connectors.opentravel._shared.profile import Profile
from connectors.opentravel._shared.rewrite import rewrite
from connectors.opentravel.google import encode
from gateway.contract import Site
from gateway.errors import Unsupported
from gateway.messages import AriReceived, Command, Described, PushAvailability, PushContent, PushRates
from gateway.wire.xml import Node, name_of

_COLLECTORS: dict[str, type[AnyCollector]] = {AVAIL: AvailCollector, RATES: RatesCollector, INV_COUNT: CountsCollector}


def write_anew(root: Node, name: str, profile: Profile) -> bytes:
    """Raises :class:`gateway.errors.Refusal` for what we never send."""
    if name_of(root) == encode.TRANSACTION:
        return _content(root, name)
    collector = _COLLECTORS.get(name_of(root))
    if collector is None:
        raise Unsupported("such a message is only taken, never sent")
    found = decode_tree(root, collector, profile, "")
    partner = value(first(root, "POS", "Source", "RequestorID"), "ID")
    site = Site("inspection", name, found.hotel, "", username=partner)
    read = AriReceived(found.hotel, tuple(found.updates), root.get("EchoToken") or "")

    def write(command: Command) -> tuple[bytes, int]:
        assert isinstance(command, PushAvailability | PushRates)
        written = encode.push(command, site, profile, profile.capabilities())
        return written.body, written.parts

    return rewrite(name_of(root), [read], write)


def _content(root: Node, name: str) -> bytes:
    data = first(root, "PropertyDataSet")
    rooms = tuple(_described(data, "Room"))
    plans = tuple(_described(data, "Package"))
    site = Site("inspection", name, content(first(data, "Property")), "", username=value(root, "partner"))
    command = PushContent(id=value(root, "id") or "inspect", at_ms=0, rooms=rooms, plans=plans)
    return encode.content(command, site).body


def _described(data: Node | None, kind: str) -> Iterator[Described]:
    for node in every(data, f"{kind}Data"):
        yield Described(content(first(node, f"{kind}ID")), value(first(node, "Name", "Text"), "text"))
