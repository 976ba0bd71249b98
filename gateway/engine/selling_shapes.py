"""What a hotel file says of selling directly, table by table."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from gateway.engine.file_table import Flag, Numeral, Shape, Table, Text
from gateway.engine.schedule_file import Code, Nights, ShareTable
from gateway.model.selling import (
    Guarantee,
    Per,
)

_Time = Annotated[str, Meta(pattern=r"\A([01][0-9]|2[0-3]):[0-5][0-9]\Z", description='a time of day such as "15:00"')]
_Minutes = Annotated[int, Meta(ge=1, le=20_160, description="a number of minutes from 1 to 20160")]
_Age = Annotated[int, Meta(ge=-1, le=17, description="an age from -1 to 17")]
_Hours = Annotated[int, Meta(ge=0, le=20_000, description="a number of hours from 0 to 20000")]
_Guests = Annotated[int, Meta(ge=0, le=30, description="a number of guests from 0 to 30")]
_Tables = Annotated[tuple[dict[str, Any], ...], Meta(max_length=200, description="a list of at most 200 tables")]
_Words = Annotated[tuple[Text, ...], Meta(max_length=200, description="a list of at most 200 texts")]
_Date = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", description='a date in quotes, "2031-05-12"')]


class SellingTable(Shape, frozen=True, kw_only=True):
    """``[selling]``."""

    check_in: _Time = "15:00"
    quote_minutes: _Minutes = 30
    hold_minutes: _Minutes = 15
    request_minutes: _Minutes = 1_440
    infant_age_max: _Age = -1
    child_age_max: _Age = 11
    policy: Code = ""
    schedule: Code = ""
    mail_from: Text = ""
    taxes: _Tables = ()
    policies: _Tables = ()
    schedules: _Tables = ()
    promotions: _Tables = ()
    plans: _Tables = ()
    rooms: _Tables = ()
    children: _Tables = ()


class TaxTable(Shape, frozen=True, kw_only=True):
    """A line of ``taxes``."""

    required = ("code",)

    code: Code = ""
    name: Text = ""
    percent: Numeral = None
    amount: Numeral = None
    per: Annotated[Per, Meta(description='"stay", "night", "person" or "person_night"')] = Per.NIGHT
    included: Flag = False
    fee: Flag = False
    age_from: Annotated[int, Meta(ge=0, le=99, description="an age from 0 to 99")] = 0
    nights_max: Nights = 0


class StepTable(ShareTable, frozen=True, kw_only=True):
    """A line of ``cancel``."""

    within_h: _Hours | None = None


class PolicyTable(Shape, frozen=True, kw_only=True):
    """A line of ``policies``."""

    required = ("code",)

    code: Code = ""
    name: Text = ""
    guarantee: Annotated[Guarantee, Meta(description='"none", "card", "deposit" or "prepaid"')] = Guarantee.NONE
    deposit: Table | None = None
    cancel: _Tables = ()
    no_show: Table | None = None
    changeable: Flag = True


class PromotionTable(Shape, frozen=True, kw_only=True):
    """A line of ``promotions``."""

    required = ("code",)

    code: Code = ""
    name: Text = ""
    codes: _Words = ()
    percent: Numeral = None
    amount: Numeral = None
    free_night: Nights = 0
    rooms: _Words = ()
    plans: _Words = ()
    nights_min: Nights = 0
    nights_max: Nights = 0
    advance_min_h: _Hours = 0
    advance_max_h: _Hours = 0
    first: _Date | None = None
    last: _Date | None = None


class PlanTermsTable(Shape, frozen=True, kw_only=True):
    """A line of ``selling.plans``."""

    required = ("plan",)

    plan: Text = ""
    policy: Code = ""
    schedule: Code = ""
    codes: _Words = ()
    on_request: Flag = False


class RoomTermsTable(Shape, frozen=True, kw_only=True):
    """A line of ``selling.rooms``."""

    required = ("room",)

    room: Text = ""
    guests_max: _Guests | None = None
    children_max: _Guests | None = None


class ChildTable(Shape, frozen=True, kw_only=True):
    """A line of ``selling.children``."""

    required = ("age_max",)

    age_max: Annotated[int, Meta(ge=0, le=17, description="an age from 0 to 17")] = 0
    percent: Numeral = None
    amount: Numeral = None
    rooms: _Words = ()
    plans: _Words = ()
