"""A connector's two translations where we call: whatever else its code raises ends in one of the contract's ways.

A failure that nobody has foreseen is a defect of the connector, logged with its traceback. What it means for the call
is certain all the same: what could not be put into words has not left, and of an answer that could not be read nobody
knows what it says.
"""

from __future__ import annotations

import structlog

from gateway.contract import Decoded, Outbound, Reply, Request, Site
from gateway.errors import GatewayError, OutcomeUnknown, Unsupported
from gateway.messages import Command

log = structlog.get_logger(__name__)


def encode(connector: Outbound, command: Command, site: Site) -> Request:
    """The request; raises :class:`gateway.errors.Refusal` also for what the connector fails over."""
    try:
        return connector.encode(command, site)
    except GatewayError:
        raise
    except Exception as error:
        # The error's own text may quote the guest: it is for the log, which is scrubbed, not for a connection's row.
        text = _failed("encode", connector, command, site, error)
        raise Unsupported(text) from error


def decode(connector: Outbound, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
    """What the reply says; raises :class:`gateway.errors.OutcomeUnknown` also for what the connector fails over."""
    try:
        return connector.decode(command, request, reply, site)
    except GatewayError:
        raise
    except Exception as error:
        raise OutcomeUnknown(_failed("decode", connector, command, site, error)) from error


def _failed(what: str, connector: Outbound, command: Command, site: Site, error: Exception) -> str:
    kind = type(command).__name__
    log.error(f"{what}_failed", connector=connector.name, connection=site.connection, command=kind, exc_info=error)
    return f"the connector {connector.name!r} failed to {what} {kind}: {type(error).__name__}, see the log"
