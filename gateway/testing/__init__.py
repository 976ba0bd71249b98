"""The conformance kit: it proves a connector against :mod:`gateway.contract` in one line.

::

    from gateway.testing import conformance

    TestAcme = conformance(CONNECTOR, profile="acme", fixtures=Path(__file__).parent / "fixtures")

Every case has a number that keeps its meaning; which cases run follows from what the connector declares. It needs
pytest and hypothesis.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.testing.subject import Nonconforming, Subject, default_site
    from gateway.testing.suite import conformance, failures

__all__ = ["Nonconforming", "Subject", "conformance", "default_site", "failures"]

_IN_SUITE = ("conformance", "failures")


def __getattr__(name: str) -> Any:
    """Read only when asked for: every start uses :mod:`gateway.testing.declared`, and has no pytest."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"gateway.testing.{'suite' if name in _IN_SUITE else 'subject'}"), name)
