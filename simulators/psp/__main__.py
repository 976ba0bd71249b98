"""`python -m simulators.psp stripe|adyen|alipay|wechatpay|unionpay`: one payment gateway as a process.

Prints one JSON line `{"ready": true, "url": …}` when it answers, and ends within a second of SIGTERM or SIGINT. With
`--write` it leaves the account, as an entry of a hotel file with its freshly made keys, in a file of that name.
"""

import argparse
import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulators import persist
from simulators.outbox import Retry
from simulators.psp.accounts import GATEWAYS, make
from simulators.psp.common import Body
from simulators.psp.courier import Courier
from simulators.psp.server import PspApp
from simulators.psp.stripe import Stripe
from simulators.serving import running


def read_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulators.psp", description="A simulated payment gateway.")
    parser.add_argument("gateway", choices=GATEWAYS)
    parser.add_argument("--account", help="id of the account at the merchant; the gateway's name if left out")
    parser.add_argument("--merchant", default="", help="base URL of the merchant, where callbacks go")
    parser.add_argument("--write", type=Path, help="where to leave the account as an entry of a hotel file")
    parser.add_argument("--key", help="Stripe: the API key, instead of one that is made now")
    parser.add_argument("--webhook-secret", help="Stripe: the secret that events are signed with")
    parser.add_argument("--state", type=Path, help="Stripe with a --key: file to continue from and save to")
    parser.add_argument("--certificates", action="store_true", help="Alipay: certificate mode")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    found = parser.parse_args(arguments)
    if (found.key or found.webhook_secret) and (found.gateway != "stripe" or not (found.key and found.webhook_secret)):
        parser.error("--key and --webhook-secret belong together, and to Stripe")
    if found.certificates and found.gateway != "alipay":
        parser.error("--certificates belongs to Alipay")
    if found.state and not found.key:
        parser.error("--state needs --key: without it the keys are others at each start")
    return found


def build(given: argparse.Namespace) -> PspApp:
    """The gateway with what the merchant has to configure, as far as it is known before it has an address."""
    psp, account = make(
        given.gateway, lambda: int(time.time()), given.account or given.gateway, certificates=given.certificates
    )
    keep: Callable[[], None] | None = None
    if isinstance(psp, Stripe) and given.key:
        psp.known_by(given.key, given.webhook_secret)
        account |= {"secret": given.key, "keys": [{"use": "callback", "id": "s1", "secret": given.webhook_secret}]}
        keep = _kept_in(given.state, psp) if given.state else None
    address = f"{given.merchant.rstrip('/')}/payments/{given.gateway}/{account['id']}" if given.merchant else ""
    if address:
        account["options"] = {**account.get("options", {}), "notify_url": address}
    return PspApp(psp, Courier(psp, address, Retry(first_s=1.0)), account, keep=keep)


def _kept_in(path: Path, psp: Stripe) -> Callable[[], None]:
    """Goes on from the file, and saves to it."""
    saved = persist.load(path)
    if saved is not None:
        psp.restore(saved)
    return lambda: persist.save(path, psp.snapshot())


def settle_at(app: PspApp, url: str) -> None:
    """It has an address now, for its own pages and in the account."""
    app.psp.home = url
    app.account["url"] = url
    if app.account["gateway"] == "adyen":
        app.account["url"] = f"{url}/v72"
        app.account["options"]["reports_url"] = f"{url}/reports/download"


def table_text(account: Body) -> str:
    """An entry ``[[payments]]`` in TOML. Strings are written as JSON writes them, which TOML reads."""
    plain = {name: value for name, value in account.items() if name != "keys"}
    lines = ["[[payments]]", *(f"{name} = {_value(value)}" for name, value in plain.items())]
    for key in account["keys"]:
        lines += ["", "[[payments.keys]]", *(f"{name} = {_value(value)}" for name, value in key.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_value(each)}' for name, each in value.items())} }}"
    return json.dumps(value)


def _keep(path: Path, text: str) -> None:
    """For the eyes of its owner only, though the keys open nothing real."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


async def serve(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = build(given)
    async with running(app, given.host, given.port) as url:
        settle_at(app, url)
        if given.write:
            _keep(given.write, table_text(app.account))
        print(json.dumps({"ready": True, "url": url, "kind": given.gateway}), flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(read_arguments()))
