"""The contract for AlpineBits, put together: server, client and inspector."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connectors.opentravel._shared import sender
from connectors.opentravel._shared.explain import explain
from connectors.opentravel._shared.names import content, first
from connectors.opentravel.alpinebits import actions, agreement, answers, client, inspecting, rules
from connectors.opentravel.alpinebits.document import AlpineBitsDocument, read
from connectors.opentravel.alpinebits.profile import capability_names, load_profile, profile_of, versions_up_to
from connectors.opentravel.alpinebits.reading import read_message
from gateway.contract import Agreed, Capabilities, Decoded, Document, Head, Reply, Request, Site
from gateway.contract_inspecting import Inspected, Inspection
from gateway.errors import Refusal, Unsupported
from gateway.messages import Command, Event, PingReceived, Query, Result
from gateway.model.dates import Instant


class AlpineBits:
    """``site.options``: ``rate_basis`` (``person`` or ``room``) for overlays in both directions, ``timezone`` of times
    without one (default UTC); see :mod:`~connectors.opentravel.alpinebits.encode_requests` for ``meals`` and
    ``child_age``, :mod:`~connectors.opentravel.alpinebits.client` for ``client_id``.
    """

    name = "alpinebits"

    def capabilities(self, profile: str) -> Capabilities:
        return load_profile(profile).capabilities()

    def inspect(self, data: bytes, inspection: Inspection) -> Inspected:
        return inspecting.inspect(data, inspection)

    def explain(self, data: bytes) -> tuple[str, ...]:
        return explain(data)

    # --- they call us -------------------------------------------------------------------------------------------------

    def open(self, head: Head, chunks: Iterable[bytes]) -> Document:
        return read(head, chunks)

    def locate(self, document: Document) -> str:
        """The path says it."""
        return ""

    def verify(self, document: Document, site: Site, now_ms: Instant) -> None:
        ours = _own(document)
        if ours.unreadable is not None:
            raise ours.unreadable
        sender.verify(ours.credentials, site)

    def parse(self, document: Document, site: Site) -> Sequence[Event | Query]:
        """Checked against the schema and the rules first, at the capabilities we announce for the client's version."""
        ours = _own(document)
        ours.notes.clear()
        if ours.action in actions.HOUSEKEEPING:
            return []
        highest = load_profile(site.profile).version
        if ours.action == actions.HANDSHAKE:
            version = ours.version if ours.version in versions_up_to(highest) else highest
            rules.check(ours.message, ours.action, profile_of(version).terms())
            return [PingReceived(content(first(ours.message, "EchoData")))]
        if ours.version not in versions_up_to(highest):
            raise Unsupported(f"version {ours.version} is not spoken here, but {highest}", path=f"/{ours.root}")
        profile = profile_of(ours.version)
        if not profile.takes(ours.action):
            raise Unsupported(f"the action {ours.action} is not enabled here", path=f"/{ours.root}")
        ours.notes += rules.check(ours.message, ours.action, profile.terms())
        return read_message(ours.message, ours.action, site, ours.notes)

    def answer(self, document: Document, site: Site, results: Sequence[Result], now_ms: Instant) -> Reply:
        ours = _own(document)
        highest = load_profile(site.profile).version
        if ours.action == actions.GET_VERSION:
            return answers.plain(f"OK:{_spoken(ours, highest)}")
        if ours.action == actions.GET_CAPABILITIES:
            return answers.plain(f"OK:{','.join(capability_names(_spoken(ours, highest)))}")
        return answers.confirm(ours, site, highest, results, now_ms)

    def refuse(self, document: Document | None, error: Refusal, now_ms: Instant) -> Reply:
        return answers.refuse_unread(error) if document is None else answers.deny(_own(document), error, now_ms)

    # --- we call them -------------------------------------------------------------------------------------------------

    def negotiated(self, profile: str, agreed: Agreed) -> Capabilities:
        return agreement.narrowed(load_profile(profile), agreed)

    def encode(self, command: Command, site: Site) -> Request:
        return client.encode(command, site, load_profile(site.profile))

    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        return client.decode(command, request, reply, site, load_profile(site.profile))


def _spoken(document: AlpineBitsDocument, highest: str) -> str:
    """The client's version where we speak it, else our highest."""
    return document.version if document.version in versions_up_to(highest) else highest


def _own(document: Document) -> AlpineBitsDocument:
    if not isinstance(document, AlpineBitsDocument):
        raise TypeError(f"{type(document).__name__} was not opened by this connector")
    return document
