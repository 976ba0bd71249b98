"""What a hotel file says of its connections, table by table."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from gateway.engine.file_table import LINE, Env, Flag, Id, Numeral, Shape, Table, Tables, Text
from gateway.model.property import FigureKind, Role, Rounding, StandingBookings

PRODUCTS_MAX = 10_000

Side = Literal["inbound", "outbound"]
SecretKey = tuple[str, Side]

SIDES: tuple[Side, Side] = ("inbound", "outbound")
_Theirs = Annotated[
    str,
    Meta(
        pattern=rf"\A(?!\s){LINE}{{1,64}}(?<!\s)\Z",
        description="a code in quotes, 1 to 64 characters without spaces around it",
    ),
]
_Secret = Annotated[str, Meta(pattern=rf"\A{LINE}{{1,255}}\Z", description="a password in quotes, 1 to 255 characters")]
_Codes = Annotated[dict[str, Any], Meta(min_length=1, description="a table with at least one line")]
_Rooms = Annotated[int, Meta(ge=0, le=9999, description="a number of rooms from 0 to 9999")]


class AllotmentTable(Shape, frozen=True, kw_only=True):
    cap: _Rooms | None = None
    keep_back: _Rooms = 0
    close_at: _Rooms = 0


class CredentialsTable(Shape, frozen=True, kw_only=True):
    username: Text = ""
    password: _Secret = ""
    password_env: Env = ""


class ProductTable(Shape, frozen=True, kw_only=True):
    required = ("room", "plan", "their_room", "their_plan")

    room: Text = ""
    plan: Text = ""
    their_room: _Theirs = ""
    their_plan: _Theirs = ""


class ConnectionTable(Shape, frozen=True, kw_only=True):
    required = ("id", "connector", "profile", "role", "hotel")

    id: Id = ""
    connector: Id = ""
    profile: Id = ""
    role: Annotated[Role, Meta(description='"pms", "channel", "receiver", "seller" or "direct"')] | None = None
    hotel: Text = ""
    url: Text = ""
    inbound: Table | None = None
    outbound: Table | None = None
    rooms: _Codes | None = None
    plans: _Codes | None = None
    products: Annotated[Tables, Meta(min_length=1, description="one or more [[connections.products]]")] | None = None
    currency: Text = ""
    exchange_rate: Numeral = None
    markup_percent: Numeral = None
    markup_amount: Numeral = None
    round_to: Numeral = None
    rounding: Annotated[Rounding, Meta(description='"nearest", "up" or "down"')] = Rounding.NEAREST
    allotment: Table | None = None
    days_ahead: Annotated[int, Meta(ge=1, le=1100, description="a number of days from 1 to 1100")] = 400
    figures: Annotated[FigureKind, Meta(description='"rooms_left" or "allocation"')] = FigureKind.ROOMS_LEFT
    figure_delay_s: Annotated[int, Meta(ge=0, le=86_400, description="a number of seconds from 0 to 86400")] = 30
    echoes: Flag = False
    enabled: Flag = True
    cards: Flag = False
    options: Table | None = None
    fallback_room: Text = ""
    booking_currencies: Annotated[tuple[str, ...], Meta(max_length=50, description="a list of currency codes")] = ()
    pms_number: Flag = False
    standing: Annotated[StandingBookings, Meta(description='"deliver" or "skip"')] = StandingBookings.DELIVER


class DirectTable(Shape, frozen=True, kw_only=True):
    """A connection through which the house sells by itself."""

    required = ("id", "role")

    id: Id = ""
    role: Annotated[Role, Meta(description='"direct"')] | None = None
    allotment: Table | None = None
    enabled: Flag = True
