"""The conformance kit: it proves a connector against :mod:`gateway.contract` in one line.

::

    from gateway.testing import conformance

    TestAcme = conformance(CONNECTOR, profile="acme", fixtures=Path(__file__).parent / "fixtures")

Every case has a number that keeps its meaning; which cases run follows from what the connector declares. It needs
pytest and hypothesis.
"""

from gateway.testing.subject import Nonconforming, Subject, default_site
from gateway.testing.suite import conformance, failures

__all__ = ["Nonconforming", "Subject", "conformance", "default_site", "failures"]
