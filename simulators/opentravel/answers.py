"""Answers: Success with Warnings, or Errors, as every OpenTravel RS is built (sheet, section 1)."""

from collections.abc import Sequence

import msgspec

from simulators.opentravel.xml import Node, add, root_node, to_bytes

# Error and warning types (EWT) and codes (ERR) in use here; numbers from the sheet's section 8.
BUSINESS_RULE, AUTHORIZATION, FIELD_MISSING, PROCESSING, NO_IMPLEMENTATION = "3", "6", "10", "12", "2"
INVALID_DATE, CURRENCY, RATE_CODE, INVALID_VALUE, MISSING = "15", "61", "249", "320", "321"
NO_AVAILABILITY, FORMAT, HOTEL_CODE, ROOM_TYPE, DATE_COMBINATION = "322", "367", "392", "402", "404"
NO_RATE, UNABLE, REQUEST_CODE = "436", "450", "459"


class Problem(msgspec.Struct, frozen=True):
    """One Error or Warning: EWT type, ERR code, what is wrong, and the LocatorID or booking id concerned."""

    type: str
    code: str
    text: str
    record_id: str = ""

    def attributes(self) -> dict[str, str]:
        found = {"Type": self.type, "Code": self.code, "ShortText": self.text[:64]}
        if self.record_id:
            found["RecordID"] = self.record_id[:64]
        return found


def answer_name(request: str) -> str:
    """`OTA_PingRQ` → `OTA_PingRS`; a name that is no request gets the standard error message's name."""
    return request[:-2] + "RS" if request.endswith("RQ") else "OTA_ErrorRS"


def success(request: str, echo: str | None, stamp: str, warnings: Sequence[Problem] = (), **attributes: str) -> Node:
    """A Success answer to which a payload may still be added."""
    root = root_node(answer_name(request), echo, stamp, **attributes)
    add(root, "Success")
    if warnings:
        _add_problems(add(root, "Warnings"), "Warning", warnings)
    return root


def errors(request: str, echo: str | None, stamp: str, problems: Sequence[Problem]) -> bytes:
    """An Errors answer; at most 99 are listed, as the schema allows no more."""
    name = answer_name(request)
    if name == "OTA_ErrorRS":
        return unreadable(stamp, "UnrecognizedRoot", problems[0].text)
    root = root_node(name, echo, stamp)
    _add_problems(add(root, "Errors"), "Error", problems[:99])
    return to_bytes(root)


def unreadable(stamp: str, code: str, message: str) -> bytes:
    """OTA_ErrorRS, for a document that could not be taken as any request."""
    root = root_node("OTA_ErrorRS", None, stamp, Status="NotProcessed", ErrorCode=code, ErrorMessage=message[:200])
    return to_bytes(root)


def _add_problems(parent: Node, tag: str, problems: Sequence[Problem]) -> None:
    for problem in problems:
        add(parent, tag, problem.attributes(), problem.text)
