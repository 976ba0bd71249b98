"""pmsXchange put to the whole kit."""

from __future__ import annotations

from pathlib import Path

import msgspec

from connectors.opentravel.pmsxchange import CONNECTOR
from gateway.testing import conformance, default_site
from tests.conformance.soap_login import show_token

FIXTURES = Path(__file__).parents[2] / "fixtures" / "opentravel" / "pmsxchange"
# The fixtures are all signed by one PMS.
SITE = msgspec.structs.replace(default_site("pmsxchange"), options={"requestor_id": "GATEWAY"})

TestPmsXchange = conformance(CONNECTOR, profile="pmsxchange", fixtures=FIXTURES, site=SITE, show=show_token)
