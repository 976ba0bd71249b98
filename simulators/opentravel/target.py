"""StatusApplicationControl: which room, plan and days a part is about."""

from simulators.opentravel import answers
from simulators.opentravel.days import Span, to_day, weekdays_of
from simulators.opentravel.items import Refused
from simulators.opentravel.vocabulary import Vocabulary
from simulators.opentravel.xml import Node, attr, child


def missing(what: str) -> Refused:
    return Refused(answers.FIELD_MISSING, answers.MISSING, f"{what} is required")


def invalid(what: str) -> Refused:
    return Refused(answers.BUSINESS_RULE, answers.INVALID_VALUE, what)


def read_product(part: Node, names: Vocabulary) -> tuple[str, str]:
    """(room code, plan code or "") of a part, both known to `names`."""
    control = child(part, "StatusApplicationControl")
    if control is None:
        raise missing("StatusApplicationControl")
    room, plan = attr(control, "InvTypeCode"), attr(control, "RatePlanCode") or ""
    if room is None:
        raise missing("InvTypeCode")
    problem = names.product_problem(room, plan)
    if problem is not None:
        raise Refused(problem.type, problem.code, problem.text)
    return room, plan


def read_span(node: Node | None, names: Vocabulary, today: int) -> Span:
    """The days of an element with Start, End (both included) and weekday attributes."""
    start, end = attr(node, "Start"), attr(node, "End")
    if node is None or start is None or end is None:
        raise missing("Start and End")
    try:
        first, last = to_day(start), to_day(end)
        weekdays = weekdays_of(node)
    except ValueError as error:
        raise Refused(answers.BUSINESS_RULE, answers.INVALID_DATE, str(error)) from error
    problem = names.day_problem(first, last, today)
    if problem is not None:
        raise Refused(problem.type, problem.code, problem.text)
    return Span(first, last, weekdays)


def read_count(text: str, what: str) -> int:
    """A non-negative integer attribute."""
    if not (text.isascii() and text.isdigit()):
        raise invalid(f"{what} {text!r} is not a number")
    return int(text)
