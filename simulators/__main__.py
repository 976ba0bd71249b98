"""`python -m simulators ota|pms`: one counterpart as a process.

Prints one JSON line `{"ready": true, "url": …}` when it answers, and ends within a second of SIGTERM or SIGINT.
"""

import argparse
import asyncio
import signal
from pathlib import Path

import msgspec

from simulators import config as configuration
from simulators.build import make_app
from simulators.config import Config, Gateway, Hotel, OtaConfig, PmsConfig, Room
from simulators.endpoint import Login
from simulators.serving import running

# What runs without a file: a small house both simulators agree on.
_DEMO_ROOMS = [
    Room("SGL", ["FLEX"], units=4, prices={"FLEX": {1: 9_000}}),
    Room("DBL", ["FLEX", "NRF"], units=10, prices={"FLEX": {1: 10_000, 2: 12_000}, "NRF": {1: 9_000, 2: 10_800}}),
]


def read_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulators", description="A simulated counterpart.")
    parser.add_argument("kind", choices=["ota", "pms"])
    parser.add_argument("--config", type=Path, help="TOML file; without one a small demo house is used")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state", type=Path, help="JSON file to continue from and save to")
    parser.add_argument("--hotel", help="hotel code, instead of the configured one")
    parser.add_argument("--user", help="user expected of those who post here")
    parser.add_argument("--password", default="")
    parser.add_argument("--gateway", help="gateway base URL")
    parser.add_argument("--connection", help="connection id at the gateway")
    parser.add_argument("--gateway-user", default="")
    parser.add_argument("--gateway-password", default="")
    found = parser.parse_args(arguments)
    if bool(found.gateway) != bool(found.connection):
        parser.error("--gateway and --connection belong together")
    return found


def read_config(given: argparse.Namespace) -> Config:
    """The configured file, or the demo house, with what the command line overrides."""
    found: Config
    if given.config is not None:
        found = configuration.load(given.kind, given.config)
    elif given.kind == "ota":
        found = OtaConfig(Hotel("DEMO01"), _DEMO_ROOMS)
    else:
        found = PmsConfig(Hotel("DEMO01"), _DEMO_ROOMS)
    if given.hotel:
        found.hotel = msgspec.structs.replace(found.hotel, code=given.hotel)
    if given.user:
        found.login = Login(given.user, given.password)
    if given.gateway:
        found.gateway = Gateway(given.gateway, given.connection, given.gateway_user, given.gateway_password)
    return found


async def serve(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(make_app(read_config(given), given.state), given.host, given.port) as url:
        print(msgspec.json.encode({"ready": True, "url": url, "kind": given.kind}).decode(), flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(read_arguments()))
