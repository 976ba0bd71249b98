"""A message by itself: what a connector may offer besides its contract.

``gateway inspect`` asks for it, and the desk, to show where a stored message deviates from its dialect.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec

from gateway.contract import Connector


class Inspection(msgspec.Struct, frozen=True):
    """How one bare message is to be read.

    ``action`` is the dialect's own string (``OTA_HotelInvCountNotif:FreeRooms``); empty means that the root element
    decides. ``capabilities`` are the dialect's own strings that both sides have negotiated; None means that nothing
    was negotiated, and everything the profile can do is allowed. ``reencode`` asks for the message written anew.
    """

    profile: str
    action: str = ""
    capabilities: frozenset[str] | None = None
    reencode: bool = False


class Inspected(msgspec.Struct, frozen=True):
    """A message that would be taken.

    ``root`` is the local name of the message's root element: inside an envelope, that of the message it carries.
    ``warnings`` are deviations that the profile tolerates. ``encoded`` is the message written anew from what was
    understood, in UTF-8; None where that was not asked for, or the connector has no writer for this message.
    """

    root: str
    warnings: tuple[str, ...] = ()
    encoded: bytes | None = None


@runtime_checkable
class Inspector(Connector, Protocol):
    """Reads a message without a connection, a login or a hotel, exactly as strictly as the server would read it."""

    def inspect(self, data: bytes, inspection: Inspection) -> Inspected:
        """``data`` is one XML document as it came, in any encoding, up to ``body_bytes_max`` of the profile.

        Checked in this order: the limits of :mod:`gateway.wire.xml`, shape (:mod:`gateway.wire.shape`), then the rules
        of the dialect at the given action and capabilities. The first fault is raised as a
        :class:`gateway.errors.Refusal` whose ``path`` begins at the message's root (``/OTA_PingRQ/EchoData``), with
        the ``line`` wherever it is known. No other exception is raised, whatever ``data`` holds.
        """
