"""How a guest pays, and what a guest is asked to do for it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.model.dates import Instant

# --- how the guest pays -----------------------------------------------------------------------------------------------


class Card(msgspec.Struct, frozen=True, tag="card", omit_defaults=True):
    """A card in clear, from the vault, for one request. ``cvc`` is never kept anywhere."""

    number: str
    month: int
    year: int
    holder: str = ""
    cvc: str = ""

    def __repr__(self) -> str:
        return f"Card(***{self.number[-4:]})"


class StoredMethod(msgspec.Struct, frozen=True, tag="stored", omit_defaults=True):
    """A means of payment the gateway keeps under ``token``, for its ``customer`` where it knows customers."""

    token: str
    customer: str = ""


class ClientMethod(msgspec.Struct, frozen=True, tag="client", omit_defaults=True):
    """What the gateway's own field in the browser gave for a card or wallet, passed on as it is."""

    data: dict[str, str]

    def __repr__(self) -> str:
        return f"ClientMethod({', '.join(sorted(self.data))})"


class HostedPage(msgspec.Struct, frozen=True, tag="page", omit_defaults=True):
    """A page of the gateway for any browser; with ``link`` one whose address can be mailed and lives for days."""

    link: bool = False


class MobilePage(msgspec.Struct, frozen=True, tag="mobile", omit_defaults=True):
    """A page in a mobile browser that opens the wallet (H5, WAP). ``platform`` is Wap, iOS or Android."""

    platform: str = "Wap"


class InApp(msgspec.Struct, frozen=True, tag="app", omit_defaults=True):
    """A phone app with the gateway's kit."""


class MiniProgram(msgspec.Struct, frozen=True, tag="mini", omit_defaults=True):
    """Inside the wallet itself (JSAPI, mini-program); ``payer`` is the wallet's id of the guest."""

    payer: str


class ShownCode(msgspec.Struct, frozen=True, tag="qr", omit_defaults=True):
    """A QR code that we show and the guest scans; ``wallet`` where the gateway serves several."""

    wallet: str = ""


class ScannedCode(msgspec.Struct, frozen=True, tag="scan", omit_defaults=True):
    """The code the guest shows, scanned at the desk ``terminal``."""

    code: str
    terminal: str = ""

    def __repr__(self) -> str:
        return "ScannedCode(***)"


Means = Card | StoredMethod | ClientMethod | HostedPage | MobilePage | InApp | MiniProgram | ShownCode | ScannedCode


class Presence(StrEnum):
    """Who is there when a payment is made, which decides about authentication and liability."""

    GUEST = "guest"  # on a page, at the desk
    ABSENT = "absent"  # charged later by agreement: stored card
    MOTO = "moto"  # card taken by mail, telephone or an OTA, virtual cards among them


class Occasion(StrEnum):
    """Why a guest who is absent is charged; card schemes have marks for it."""

    STAY = "stay"
    NO_SHOW = "no_show"
    LATE_CHARGE = "late_charge"


class Device(msgspec.Struct, frozen=True, omit_defaults=True):
    """The guest's browser or telephone, for 3-D Secure and wallet pages. ``browser`` in the gateway's own names."""

    ip: str = ""
    browser: dict[str, str | int | bool] = {}
    origin: str = ""


# --- what the guest has to do -----------------------------------------------------------------------------------------


class ActionKind(StrEnum):
    """How a front end carries out an action."""

    REDIRECT = "redirect"  # open ``url``
    FORM = "form"  # POST ``fields`` to ``url`` from the browser
    QR = "qr"  # draw ``content``
    CLIENT = "client"  # hand ``fields`` or ``content`` to the gateway's own script or phone kit
    WAIT = "wait"  # the guest confirms in an app of theirs


class GuestAction(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """For the guest's eyes only: some of it lets its holder pay or read the order, so it is not logged."""

    kind: ActionKind
    url: str = ""
    fields: dict[str, str] = {}
    content: str = ""
    expires_ms: Instant | None = None

    def __repr__(self) -> str:
        return f"GuestAction({self.kind.value})"


class Token(msgspec.Struct, frozen=True, omit_defaults=True):
    """A means of payment the gateway has stored."""

    token: str
    customer: str = ""
    brand: str = ""
    last4: str = ""
