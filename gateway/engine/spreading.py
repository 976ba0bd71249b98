"""One setting for many targets at once: each room type on each rate plan, over each range of nights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gateway.model.ari import ASPECT_OF, AriUpdate, Aspect, Setting
from gateway.model.dates import Day, Weekdays


def spread(
    rooms: Sequence[str],
    plans: Sequence[str],
    ranges: Sequence[tuple[Day, Day]],
    settings: Iterable[Setting],
    weekdays: Weekdays,
    *,
    record: str = "",
) -> Iterator[AriUpdate]:
    """Every combination, in our codes; a number of rooms is the room type's, whichever plans there are.

    No room is all room types (or the house), no plan the room type itself, as in :class:`gateway.model.ari.AriUpdate`.
    """
    given = tuple(settings)
    figures = tuple(each for each in given if ASPECT_OF[each.field] is Aspect.LIMIT)
    others = tuple(each for each in given if ASPECT_OF[each.field] is not Aspect.LIMIT)
    for first, last in ranges:
        for room in rooms or ("",):
            if figures:
                yield AriUpdate(room, "", first, last, figures, weekdays, record=record)
            if others:
                for plan in plans or ("",):
                    yield AriUpdate(room, plan, first, last, others, weekdays, record=record)
