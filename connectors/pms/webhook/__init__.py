"""Any program that takes HTTP POST is handed every reservation as JSON, signed as Standard Webhooks 1.0 says.

Read ``payload`` (what it gets) first. This file declares what the dialect can do, and says what an answer means.
"""

from __future__ import annotations

from connectors.pms.webhook.encode import encode_command
from gateway.contract import Capabilities, Confirmed, Decoded, Reply, Request, Site
from gateway.errors import Gone, OutcomeUnknown, Retryable, Unsupported
from gateway.messages import Command, DeliverReservation, Ping
from gateway.wire.retry_after import retry_after

_MINUTE_S, _HOUR_S = 60.0, 3_600.0

CAPABILITIES = Capabilities(
    commands=frozenset({Ping, DeliverReservation}),
    in_flight_max=10,
    timeout_s=20.0,
    # The schedule that the standard recommends; the last try comes 75 hours after the first.
    delivery_waits_s=(
        5.0,
        5 * _MINUTE_S,
        30 * _MINUTE_S,
        *(hours * _HOUR_S for hours in (2, 5, 10, 14, 20, 24)),
    ),
)


class Webhook:
    """One dialect, outwards only."""

    name = "webhook"

    def capabilities(self, profile: str) -> Capabilities:
        if profile != "webhook":
            raise Unsupported(f"webhooks have no profile {profile!r}")
        return CAPABILITIES

    def encode(self, command: Command, site: Site) -> Request:
        return encode_command(command, site)

    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        """Any 2xx confirms, whatever stands in it; everything else is tried again, but for 410.

        A receiver that answers otherwise may have kept it: it knows the repetition by ``webhook-id``.
        """
        if 200 <= reply.status < 300:
            return Decoded(Confirmed())
        if reply.status == 410:
            raise Gone("the receiver says that nothing is there any more (410)")
        told = f"the receiver answered {reply.status}"
        if reply.status in (429, 503):
            raise Retryable(told, after_s=retry_after(reply.headers))
        raise OutcomeUnknown(told)


CONNECTOR = Webhook()

__all__ = ["CONNECTOR", "Webhook"]
