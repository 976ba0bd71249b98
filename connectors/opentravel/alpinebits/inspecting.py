"""``gateway inspect`` for AlpineBits: one message, read as the server reads it.

``--capability`` says exactly what is on: a FreeRooms message of categories needs ``…_accept_categories``, and so on.
See :mod:`connectors.opentravel.alpinebits.terms` for what it means to give none.
"""

from __future__ import annotations

from connectors.opentravel._shared.rewrite import with_encoded
from connectors.opentravel.alpinebits import rules
from connectors.opentravel.alpinebits.actions import ACTIONS, action_of
from connectors.opentravel.alpinebits.profile import BODY_BYTES_MAX, load_profile
from connectors.opentravel.alpinebits.rewriting import write_anew
from connectors.opentravel.alpinebits.terms import Terms
from gateway.contract_inspecting import Inspected, Inspection
from gateway.wire import xml

_LIMITS = xml.Limits(bytes_max=BODY_BYTES_MAX)
_BY_HANDSHAKE = {one.handshake: one.name for one in ACTIONS.values() if one.handshake}


def inspect(data: bytes, inspection: Inspection) -> Inspected:
    """Raises :class:`gateway.errors.Refusal` with path and line. Actions may be named as in a handshake, too."""
    profile = load_profile(inspection.profile)
    root = xml.read_tree(data, _LIMITS)
    action = _BY_HANDSHAKE.get(inspection.action, inspection.action)
    terms = Terms(profile.version, inspection.capabilities or frozenset())
    found = Inspected(xml.name_of(root), rules.check(root, action, terms))
    if not inspection.reencode:
        return found
    action = action or action_of(root, profile.version)
    return with_encoded(found, lambda: write_anew(root, action, inspection.profile, profile))
