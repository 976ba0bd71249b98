"""What a simulator is told at its start: one TOML file per simulator.

Unknown keys are refused, because a misspelt option that silently does nothing makes a demo lie.
"""

from pathlib import Path

import msgspec

from simulators.endpoint import Login
from simulators.opentravel.vocabulary import Vocabulary
from simulators.outbox import Retry


class Hotel(msgspec.Struct, forbid_unknown_fields=True):
    """`decimals`: minor digits of the currency. Days are UTC dates."""

    code: str
    currency: str = "EUR"
    decimals: int = 2
    days_ahead: int = 500
    days_past: int = 1


class Room(msgspec.Struct, forbid_unknown_fields=True):
    """`units` is read by the PMS only. `prices`: minor units by guests, the PMS's price at its first start."""

    code: str
    plans: list[str]
    units: int = 0
    prices: dict[str, dict[int, int]] = {}


class Gateway(msgspec.Struct, forbid_unknown_fields=True):
    """Where this simulator posts its own messages: `{url}/opentravel/{connection}`."""

    url: str
    connection: str
    user: str = ""
    password: str = ""

    def address(self) -> str:
        return f"{self.url.rstrip('/')}/opentravel/{self.connection}"

    def login(self) -> Login:
        return Login(self.user, self.password)


class OtaOptions(msgspec.Struct, forbid_unknown_fields=True):
    """How the channel behaves.

    `partial`: refuse single parts with Warnings and take the rest. `los`: what a bare SetMinLOS means, `arrival` or
    `through`. `counts_down`: own sales lower the stored limits. `overlay_replaces`: NotifType Overlay drops the
    occupancies it does not name. `hotel_code_required`: false where room codes tell the hotel.
    `in_order`: a revision waits for the acknowledgement of the one before.
    """

    partial: bool = False
    los: str = "arrival"
    counts_down: bool = False
    overlay_replaces: bool = False
    in_order: bool = True
    hotel_code_required: bool = True
    booking_prefix: str = "OTA"


class PmsOptions(msgspec.Struct, forbid_unknown_fields=True):
    """How the PMS behaves.

    `echo_after_apply`: send the touched nights' figures after applying. `apply_delay_s`: acknowledge at once, apply
    later. `figure_delay_s`: compute a figure now, send it later. `refuse_overbooking`: Errors where no room is left.
    `parts_max`: parts per published message.
    """

    echo_after_apply: bool = False
    apply_delay_s: float = 0.0
    figure_delay_s: float = 0.0
    refuse_overbooking: bool = False
    parts_max: int = 500
    horizon_days: int = 365


class SellPlan(msgspec.Struct, forbid_unknown_fields=True):
    """Random sales: `rate_per_s` bookings a second (0 = off), `count` in all (None = without end), seeded.

    Shares are probabilities that an act changes or cancels an earlier booking. `force` sells what is closed, too.
    """

    rate_per_s: float = 0.0
    count: int | None = None
    seed: int = 1
    days_ahead: int = 60
    nights_max: int = 5
    guests_max: int = 2
    modify_share: float = 0.0
    cancel_share: float = 0.0
    force: bool = False


class OtaConfig(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file of a sales channel. `login` is asked of those who post to it."""

    hotel: Hotel
    rooms: list[Room]
    name: str = "SIMOTA"
    seed: int = 1
    login: Login = Login()
    gateway: Gateway | None = None
    options: OtaOptions = msgspec.field(default_factory=OtaOptions)
    retry: Retry = msgspec.field(default_factory=Retry)
    sell: SellPlan = msgspec.field(default_factory=SellPlan)


class PmsConfig(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file of a PMS."""

    hotel: Hotel
    rooms: list[Room]
    name: str = "SIMPMS"
    seed: int = 1
    login: Login = Login()
    gateway: Gateway | None = None
    options: PmsOptions = msgspec.field(default_factory=PmsOptions)
    retry: Retry = msgspec.field(default_factory=lambda: Retry(on_errors=False))


Config = OtaConfig | PmsConfig
_TYPES: dict[str, type[OtaConfig] | type[PmsConfig]] = {"ota": OtaConfig, "pms": PmsConfig}


def load(kind: str, path: Path) -> Config:
    """Read and check a file for simulator `kind`, `ota` or `pms`."""
    return msgspec.toml.decode(path.read_bytes(), type=_TYPES[kind])


def vocabulary(config: Config) -> Vocabulary:
    hotel = config.hotel
    return Vocabulary(
        hotel=hotel.code,
        currency=hotel.currency,
        plans_of_room={room.code: frozenset(room.plans) for room in config.rooms},
        decimals=hotel.decimals,
        los=config.options.los if isinstance(config, OtaConfig) else "arrival",
        days_ahead=hotel.days_ahead,
        days_past=hotel.days_past,
    )
