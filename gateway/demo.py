"""``gateway demo``: the demo hotel, with its PMS, its two channels and a simulated Stripe as processes of their own.

Everything is kept in the data folder, so a second run goes on where the first one stopped.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.request import Request, urlopen

import msgspec

from gateway.engine import hotel_file
from gateway.engine.payment_file import place_of
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.flows.services import Services

_HOST = "127.0.0.1"
_READY_S = 15.0
_END_S = 5.0
DEMO_NAME, DEMO_PASSWORD = "demo", "demo-miramar"


class Counterpart(NamedTuple):
    """One simulator; its connection in the demo hotel has the same name."""

    connection: str
    kind: str
    config: str


class Started(NamedTuple):
    """Addresses: of the counterparts by connection, and of the payment gateway."""

    urls: dict[str, str]
    till: str


COUNTERPARTS = (
    Counterpart("demo-pms", "pms", "pms.toml"),
    Counterpart("sunbeds", "ota", "sunbeds.toml"),
    Counterpart("farfare", "ota", "farfare.toml"),
)


def demo(settings: Settings) -> int:
    """Runs until Ctrl-C; ends everything it has started."""
    settings = _demo_settings(settings)
    data = Path(settings.data_dir)
    data.mkdir(parents=True, exist_ok=True)
    hotel = hotel_file.read(_text("mappings", "hotels", "demo") + _text("simulators", "demo", "payments"), os.environ)
    if not _free(settings.port):
        print(f"port {settings.port} is taken; choose another with GATEWAY_PORT or --port", file=sys.stderr)
        return 1
    # Until the gateway itself listens to them, SIGTERM would end us at once and leave the simulators behind, and SIGINT
    # would not end us at all where a shell has started us in the background.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    with _simulators(settings, hotel, data) as started:
        account = msgspec.structs.replace(hotel.property.payments[0], url=started.till)
        prop = hotel_file.with_urls(msgspec.structs.replace(hotel.property, payments=(account,)), started.urls)
        _serve(settings, msgspec.structs.replace(hotel, property=prop), started)
    return 0


def _text(package: str, folder: str, name: str) -> str:
    return (resources.files(package) / folder / f"{name}.toml").read_text(encoding="utf-8")


def _demo_settings(settings: Settings) -> Settings:
    """The demo keeps apart from real data, and may call its simulators although they are on this machine."""
    data_dir = settings.data_dir if "GATEWAY_DATA_DIR" in os.environ else str(Path(settings.data_dir) / "demo")
    return msgspec.structs.replace(settings, data_dir=data_dir, allow_private=(*settings.allow_private, "127.0.0.0/8"))


# --- the simulators ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _simulators(settings: Settings, hotel: hotel_file.HotelFile, data: Path) -> Iterator[Started]:
    processes: list[subprocess.Popen[str]] = []
    urls: dict[str, str] = {}
    try:
        # It is ready by the time the others are, which are waited for one by one.
        processes.append(_start_till(settings, hotel, data))
        for offset, counterpart in enumerate(COUNTERPARTS, 1):
            process = _start(settings, hotel, counterpart, data, _port(settings.port + offset))
            processes.append(process)
            urls[counterpart.connection] = _ready_url(process) + "/ota"
        yield Started(urls, _ready_url(processes[0]))
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END_S)
            if process.poll() is None:
                process.kill()


def _start(
    settings: Settings, hotel: hotel_file.HotelFile, counterpart: Counterpart, data: Path, port: int
) -> subprocess.Popen[str]:
    connection = next(known for known in hotel.property.connections if known.id == counterpart.connection)
    config = resources.files("simulators") / "demo" / counterpart.config
    command = [sys.executable, "-m", "simulators", counterpart.kind, "--config", str(config), "--port", str(port)]
    command += ["--state", str(data / f"{counterpart.connection}.json")]
    command += ["--user", connection.outbound.username, "--password", hotel.secrets[connection.id, "outbound"]]
    command += ["--gateway", f"http://{_HOST}:{settings.port}", "--connection", connection.id]
    command += ["--gateway-user", connection.inbound.username]
    command += ["--gateway-password", hotel.secrets[connection.id, "inbound"]]
    # A session of its own, so that Ctrl-C reaches us first and the simulators end after the gateway has.
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def _start_till(settings: Settings, hotel: hotel_file.HotelFile, data: Path) -> subprocess.Popen[str]:
    """The simulated Stripe, which knows the keys of the hotel's account."""
    (account,), secrets = hotel.property.payments, hotel.payment_secrets
    (key,) = account.keys
    port = _port(settings.port + len(COUNTERPARTS) + 1)
    command = [sys.executable, "-m", "simulators.psp", "stripe", "--account", account.id, "--port", str(port)]
    command += ["--state", str(data / f"{account.id}.json"), "--merchant", f"http://{_HOST}:{settings.port}"]
    command += ["--key", secrets[account.id, "secret"]]
    command += ["--webhook-secret", secrets[account.id, place_of(key.use, key.id)]]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def _ready_url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    timer = threading.Timer(_READY_S, process.kill)
    timer.start()
    try:
        line = process.stdout.readline()
    finally:
        timer.cancel()
    if not line:
        raise RuntimeError("a simulator did not start; its message stands above")
    url: str = json.loads(line)["url"]
    return url


def _port(wanted: int) -> int:
    """The port, or any free one: a stable address spares a full synchronisation at the next start."""
    return wanted if _free(wanted) else 0


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


# --- the gateway ------------------------------------------------------------------------------------------------------


def _serve(settings: Settings, hotel: hotel_file.HotelFile, started: Started) -> None:
    from gateway.flows.apply_hotel import apply_hotel
    from gateway.flows.plan_hotel import plan_hotel
    from gateway.serving import serve

    async def prepare(services: Services) -> None:
        sealed, changes = await plan_hotel(services, hotel)
        if changes:
            await apply_hotel(services, sealed, author="demo")
        await _let_in(services)

    def ready() -> None:
        threading.Thread(target=_publish, args=(started.urls["demo-pms"],), daemon=True).start()
        print(_welcome(settings, hotel, started), flush=True)

    serve(settings, workers=True, prepare=prepare, ready=ready)


async def _let_in(services: Services) -> None:
    """Somebody who may look around in the demo; known to everybody, as the demo's other passwords are."""
    from gateway.flows.access.rights import Wanted, create_person, listed
    from gateway.model.access import AccessRole, Grant, PrincipalKind

    people = await listed(services, None, PrincipalKind.PERSON, count=1_000)
    if not any(each.principal.name == DEMO_NAME and each.principal.revoked_ms is None for each in people):
        wanted = Wanted(name=DEMO_NAME, grants=(Grant(AccessRole.OWNER),))
        await create_person(services, None, wanted, DEMO_PASSWORD, author="demo")


def _publish(pms: str) -> None:
    """The PMS says everything it knows, as one does after connecting it."""
    request = Request(pms.removesuffix("/ota") + "/control/publish", data=b"{}", method="POST")
    with urlopen(request, timeout=30):
        pass


def _welcome(settings: Settings, file: hotel_file.HotelFile, started: Started) -> str:
    hotel = file.property
    base = {name: url.removesuffix("/ota") for name, url in started.urls.items()}
    ours = f"http://{_HOST}:{settings.port}"
    first, last = date.today() + timedelta(days=30), date.today() + timedelta(days=33)  # noqa: DTZ011
    stay = f'{{"room":"10","plan":"STD","arrival":"{first}","departure":"{last}"}}'
    price = f'{{"room":"DZ","plan":"RACK","first":"{first}","last":"{last}","prices":{{"1":"79.00","2":"99.00"}}}}'
    lines = [
        "",
        f"  {hotel.name} is open.   Ctrl-C ends everything; the next run goes on from here.",
        "",
        f"  look at     {ours}/   and sign in as {DEMO_NAME} / {DEMO_PASSWORD}",
        f"  gateway     {ours}/opentravel/{{connection}}   health {ours}/health/ready",
        f"  API         {ours}/docs",
        *(f"  {c.connection:<11} {base[c.connection]}/state   {_login(c, file)}" for c in COUNTERPARTS),
        f"  {file.property.payments[0].id:<11} {started.till}/state   Stripe's stand-in: no real money, no real cards",
        "",
        "  Try:",
        "  1. Drop a price in the PMS, and look at what a channel holds a second later",
        f"     curl -s {base['demo-pms']}/control/price -d '{price}'",
        f"     curl -s '{base['sunbeds']}/state?from={first}&to={last}'",
        "  2. Sell a room on a channel; it leaves every other channel and lands in the PMS",
        f"     curl -s {base['sunbeds']}/control/book -d '{{\"stays\":[{stay}]}}'",
        f"     curl -s {base['demo-pms']}/reservations",
        "  3. See the hotel's calendar",
        f"     GATEWAY_DATA_DIR={settings.data_dir} {_command()} calendar {hotel.id} --from {first}",
        "",
    ]
    return "\n".join(lines)


def _login(counterpart: Counterpart, hotel: hotel_file.HotelFile) -> str:
    connection = next(known for known in hotel.property.connections if known.id == counterpart.connection)
    return f"posts as {connection.inbound.username} / {hotel.secrets[connection.id, 'inbound']}"


def _command() -> str:
    """The command as it can be typed here; what lies below this folder is named from here."""
    program, here = Path(sys.argv[0]), Path.cwd()
    if program.name == "__main__.py":
        return "python -m gateway"
    return str(program.absolute().relative_to(here)) if program.absolute().is_relative_to(here) else str(program)
