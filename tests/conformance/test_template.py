"""The example connector passes the whole kit."""

from pathlib import Path

from connectors._template import CONNECTOR
from gateway.testing import conformance

FIXTURES = Path(__file__).parents[2] / "fixtures" / "_template"

TestTemplate = conformance(CONNECTOR, profile="template", fixtures=FIXTURES)
