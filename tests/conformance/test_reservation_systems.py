"""Profiles of systems that only send to us, or book from us, over the OpenTravel connector."""

from __future__ import annotations

from pathlib import Path

from connectors.opentravel.ota import CONNECTOR
from gateway.testing import conformance

FIXTURES = Path(__file__).parents[2] / "fixtures" / "opentravel"
SILENT = {"C10": "nothing is sent in this dialect, which its profile says"}

TestSynxis = conformance(CONNECTOR, profile="synxis", fixtures=FIXTURES / "synxis", waive=SILENT, examples=20)
TestSeller = conformance(CONNECTOR, profile="ota-seller", fixtures=FIXTURES / "ota-seller", waive=SILENT, examples=20)
TestHtng = conformance(CONNECTOR, profile="htng-2011b", fixtures=FIXTURES / "htng-2011b", waive=SILENT, examples=20)
