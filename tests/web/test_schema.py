"""The OpenAPI document, and that the API keeps to it: schemathesis asks what it likes, the same each time."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
import uvicorn

from gateway.engine.hotel_file import HotelFile
from gateway.flows.access import rights
from gateway.flows.access.rights import Wanted
from gateway.flows.desk import holding
from gateway.flows.plan_hotel import plan_hotel
from gateway.model.access import AccessRole, Grant
from gateway.registry import Registry, discover
from gateway.store.opening import open_database
from gateway.web.api.routes import all_endpoints
from gateway.web.app import create_app
from tests.e2e.town import free_port
from tests.flows.house import channel, hotel, new, pms, stay, update
from tests.flows.payments.house import ACCOUNTS, SECRETS, PayHouse
from tests.flows.selling.test_sell import TERMS, quoted, site
from tests.simulation.plain import PlainConnector
from tests.web.conftest import Web

CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = 2
SEED = 20


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


class Served:
    """A hotel with everything behind a real server, in a thread of its own.

    ``names`` are values of path parameters of which something is there.
    """

    def __init__(self, path: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.key = ""
        self.names: dict[str, str] = {}
        self._path = path
        self._ready = threading.Event()
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join(30)

    async def _serve(self) -> None:
        database = open_database(f"sqlite:///{self._path}")
        await database.open()
        town = PayHouse(database)
        both = {each.name: each for each in (PlainConnector(), discover().get("stripe"), discover().get("adyen"))}
        town.services = dataclasses.replace(town.services, connectors=Registry(both, {}))
        town.house.start()
        await self._furnish(town)
        app = create_app(town.services)
        port = httpx.URL(self.url).port
        assert port is not None
        config = uvicorn.Config(app, port=port, log_config=None, http="httptools")
        self._server = uvicorn.Server(config)
        serving = asyncio.create_task(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.01)
        self._ready.set()
        await serving
        await town.stop()
        await database.close()

    async def _furnish(self, town: PayHouse) -> None:
        """The usual hotel with its own site, payment accounts, a booking, a sale, a payment and a slip of the PMS."""
        house, services = town.house, town.services
        everything = hotel(pms(), channel("ota"), site(), selling=TERMS, payments=ACCOUNTS)
        planned, _ = await plan_hotel(services, HotelFile(everything, {}, payment_secrets=SECRETS))
        await house.apply(planned)
        await house.open_for_sale()
        reservation = await house.say(new(stay(1, 3)))
        await house.ari(update("pDBL", "BAR", 3, 5, price2=1_200_000))
        (held,) = await holding.find(services, "h")
        grants = (Grant(AccessRole.OWNER),)
        self.key = (await rights.create_key(services, None, Wanted(name="schema", grants=grants))).secret
        self.names = {
            "property": "h",
            "reservation": reservation,
            "message": str(held.message_id),
            "connection": "ota",
            "room": "DBL",
            "plan": "BAR",
            "payment": (await town.charge("desk", reservation=reservation)).payment_id,
            "account": "desk",
            "sale": await quoted(house),
        }


@pytest.fixture
def served(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Served]:
    path = tmp_path / "gateway.sqlite3"
    path.write_bytes(migrated_sqlite.read_bytes())
    with Served(path) as served:
        yield served


@pytest.mark.slow
@pytest.mark.parametrize("named", [False, True], ids=["anything", "what is there"])
@pytest.mark.skipif(find_spec("schemathesis") is None, reason="schemathesis is not installed")
def test_nothing_that_is_asked_breaks_the_promises(served: Served, tmp_path: Path, named: bool) -> None:
    """Every endpoint, once with names that are anything, and once with those of what there is."""
    config = tmp_path / "schemathesis.toml"
    names = [f'"path.{name}" = "{value}"' for name, value in served.names.items()] if named else []
    config.write_text("\n".join(["[parameters]", *names, "", CONFIG.read_text(encoding="utf-8")]), encoding="utf-8")
    examples = os.environ.get("GATEWAY_TEST_EXAMPLES", str(EXAMPLES))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", f"{served.url}/schema"]
    command += ["--header", f"Authorization: Bearer {served.key}", "--max-examples", examples]
    command += ["--seed", str(SEED), "--generation-deterministic", "--phases", "fuzzing", "--continue-on-failure"]
    # How long it takes to think of requests says more about the machine than about us.
    command += ["--suppress-health-check", "too_slow"]
    done = subprocess.run([*command, "--no-color"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested is not None
    assert int(tested[1]) == len(all_endpoints())


async def test_the_document_describes_every_endpoint(owner: httpx.AsyncClient) -> None:
    reply = await owner.get("/schema")
    assert reply.headers["content-type"].startswith("application/json")
    found = reply.json()
    assert found["openapi"] == "3.1.0"
    operations = {
        operation["operationId"]: operation for path in found["paths"].values() for operation in path.values()
    }
    assert set(operations) == {endpoint.name for endpoint in all_endpoints()}
    for operation in operations.values():
        assert operation["summary"]
        assert {"400", "401", "429", "500", "503"} <= set(operation["responses"])
        for parameter in operation["parameters"]:
            assert "description" in parameter or parameter["schema"].get("$ref") or parameter["in"] == "query"
    assert not re.search(r":(?:class|mod|func|meth):", reply.text)


async def test_options_name_all_methods(web: Web) -> None:
    reply = await web.client().options("/v1/properties/h/calendar")
    assert set(reply.headers["allow"].replace(" ", "").split(",")) == {"GET", "OPTIONS", "PATCH"}
