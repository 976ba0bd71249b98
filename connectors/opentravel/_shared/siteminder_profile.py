"""The switches of SiteMinder's two dialects beside those of every OpenTravel dialect."""

from __future__ import annotations

import msgspec

from connectors.opentravel._shared.profile import Profile
from gateway.contract import Site
from gateway.model.ari import Field
from mappings import load


class SiteMinderProfile(Profile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``shape``: the table its messages are checked with. ``reads``: the fields of ARI that may come in;
    ``prices_guests_max``: the largest occupancy of a price.

    ``aspects_apart``: limits and restrictions come in requests of their own, and limits belong to no plan.
    ``currency_needed``: every price names its currency. ``reasons``: the code table of our refusals. ``action``: what
    stands before the operation in SOAPAction. ``requestor_checked``: RequestorID must be there, and be the account's.
    """

    shape: str
    reads: frozenset[Field]
    reasons: str
    prices_guests_max: int
    aspects_apart: bool = False
    currency_needed: bool = False
    action: str = ""
    requestor_checked: bool = False


def load_siteminder(name: str) -> SiteMinderProfile:
    """The profile of that name; raises :class:`mappings.NoSuchMapping`, or msgspec's ValidationError for another's."""
    return load("profiles", name, SiteMinderProfile)


class SiteMinderOptions(msgspec.Struct, frozen=True):
    """Of ``site.options``: ``requestor_id`` (the PMS or channel code; else the user name) and ``timezone``."""

    requestor_id: str
    timezone: str

    @classmethod
    def inbound(cls, site: Site) -> SiteMinderOptions:
        """As they sign what they send us."""
        return cls._of(site, site.inbound_username)

    @classmethod
    def outbound(cls, site: Site) -> SiteMinderOptions:
        """As we sign what we send them."""
        return cls._of(site, site.username)

    @classmethod
    def _of(cls, site: Site, default: str) -> SiteMinderOptions:
        return cls(str(site.options.get("requestor_id", default)), str(site.options.get("timezone", "UTC")))
