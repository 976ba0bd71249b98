"""TransactionResponse: Success, or Issues that are errors or only warnings."""

from __future__ import annotations

from connectors.opentravel._shared.names import content, every, first, value
from connectors.opentravel._shared.outcomes import readable, refused_by_http
from gateway.contract import Confirmed, Decoded, Refused, Reply
from gateway.errors import OutcomeUnknown
from gateway.wire.redact import mask_text
from gateway.wire.xml import name_of

RESPONSE = "TransactionResponse"


def read_transaction(reply: Reply) -> Decoded:
    """Raises :class:`gateway.errors.CallFailed` where nobody can tell."""
    if closed := refused_by_http(reply):
        return Decoded(closed)
    root = readable(reply)
    issues = every(root, "Issues", "Issue")
    errors = [issue for issue in issues if value(issue, "status") != "warning"]
    if errors:
        return Decoded(Refused(value(errors[0], "code"), mask_text(content(errors[0]))))
    if name_of(root) != RESPONSE or (first(root, "Success") is None and not issues):
        raise OutcomeUnknown(f"the answer is {name_of(root)[:60]} without Success or Issues")
    return Decoded(Confirmed())
