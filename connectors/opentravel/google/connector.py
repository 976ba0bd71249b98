"""The contract, put together. Google takes no bookings back; it only shows what it is told."""

from __future__ import annotations

from connectors.opentravel._shared import outcomes
from connectors.opentravel._shared.names import AVAIL, INV_COUNT
from connectors.opentravel._shared.profile import load_profile
from connectors.opentravel._shared.rewrite import with_encoded
from connectors.opentravel.google import encode
from connectors.opentravel.google.decode import read_transaction
from connectors.opentravel.google.inspect import inspect_message
from connectors.opentravel.google.rewriting import write_anew
from gateway.contract import Capabilities, Decoded, Reply, Request, Site
from gateway.contract_inspecting import Inspected, Inspection
from gateway.errors import Unsupported
from gateway.messages import Command, PushAvailability, PushContent, PushRates
from gateway.wire.http_auth import compose_basic


class Google:
    """``site.url`` is the account's address, with a service for each message below it.

    ``site.options`` may hold ``partner`` (the partner key, else the user name is it), ``language`` of room and package
    names (``en``), and ``one_address``: true where all messages go to ``site.url`` itself.
    """

    name = "google"

    def capabilities(self, profile: str) -> Capabilities:
        return load_profile(profile).capabilities()

    def encode(self, command: Command, site: Site) -> Request:
        profile = load_profile(site.profile)
        capabilities = profile.capabilities()
        if type(command) not in capabilities.commands:
            raise Unsupported(f"{type(command).__name__} has no place in {site.profile}")
        if isinstance(command, PushAvailability | PushRates):
            written = encode.push(command, site, profile, capabilities)
        elif isinstance(command, PushContent):
            written = encode.content(command, site)
        else:
            raise Unsupported(f"{type(command).__name__} has no place here")
        headers = {"content-type": profile.content_type, "accept": "text/xml, application/xml"}
        if site.password:
            headers["authorization"] = compose_basic(site.username, site.password)
        url = site.url.rstrip("/")
        if not site.options.get("one_address", False):
            url = f"{url}/{encode.PATHS[written.root]}"
        return Request("POST", url, headers, written.body, written.parts)

    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        """They name no part in their errors, so a refusal is one of the whole message."""
        if isinstance(command, PushContent):
            return read_transaction(reply)
        root = f"<{INV_COUNT} ".encode()
        asked = INV_COUNT if root in request.body[:200] else AVAIL
        expected = "OTA_HotelRateAmountNotifRS" if isinstance(command, PushRates) else asked.removesuffix("RQ") + "RS"
        return outcomes.read_answer(reply, expected, {}, warnings_skip=False)

    def inspect(self, data: bytes, inspection: Inspection) -> Inspected:
        profile = load_profile(inspection.profile)
        found, root = inspect_message(data, inspection)
        if not inspection.reencode:
            return found
        return with_encoded(found, lambda: write_anew(root, inspection.profile, profile))
