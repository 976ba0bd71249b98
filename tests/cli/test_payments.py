"""``gateway payments``: what it shows in text and in JSON, and its exit statuses."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import exits
from gateway.flows.payments import operate
from gateway.model.payment import OperationKind
from gateway.store.opening import open_database
from tests.cli.test_commands import Command
from tests.flows.payments.house import PayHouse, changed


@pytest.fixture
def command(
    tmp_path: Path, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """With a payment that was made and given back, and a message that was set aside."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "gateway.sqlite").write_bytes(migrated_sqlite.read_bytes())
    asyncio.run(_paid(f"sqlite:///{data / 'gateway.sqlite'}"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(data))
    for name in ("USER", "LOGNAME"):
        monkeypatch.setenv(name, "ada")
    return Command(tmp_path, capsys)


async def _paid(url: str) -> None:
    database = open_database(url)
    await database.open()
    psp = PayHouse(database)
    await psp.start()
    bought = await psp.charge("desk", OperationKind.PURCHASE, reservation="R1")
    await operate.refund(psp.services, "h", bought.payment_id, 4_000, "test")
    await psp.charge("online", reservation="R2")
    await psp.tell("online", changed(psp.adyen.events[0], amount={"currency": "EUR", "value": 1}))
    await psp.work()
    await psp.stop()
    await database.close()


def test_payments_are_listed_and_shown(command: Command) -> None:
    assert command("payments", "list", "h") == exits.DONE
    desk, online = sorted(command.out.splitlines(), key=lambda line: " R2 " in line)
    assert re.match(r"\w{26} desk R1 partially_refunded EUR ", desk)
    assert desk.endswith("held 100.00 taken 100.00 released 0.00 given back 40.00")
    assert " online R2 " in online
    (one,) = command.json("payments", "list", "h", "--reservation", "R1")["items"]
    assert one["refundable"] == 6_000
    assert command("payments", "show", "h", one["id"]) == exits.DONE
    shown = command.out.splitlines()
    assert shown[0] == desk
    assert any(line.startswith("  refund 40.00 succeeded re_") for line in shown)
    assert any(line.startswith("  captured 100.00 EUR ") and line.endswith("(reply)") for line in shown)
    whole = command.json("payments", "show", "h", one["id"])
    assert [operation["kind"] for operation in whole["operations"]] == ["purchase", "refund"]


def test_what_was_set_aside_is_listed_until_somebody_has_seen_it(command: Command) -> None:
    parked: list[dict[str, Any]] = command.json("payments", "parked", "h", status=exits.ATTENTION)["items"]
    assert command("payments", "parked", "h") == exits.ATTENTION
    assert command.out.startswith(f"online {parked[0]['id']} AUTHORISATION: ")
    assert command("payments", "settle", "h", "online", parked[0]["id"]) == exits.DONE
    assert "settled by cli:ada" in command.out
    assert command("payments", "parked", "h") == exits.DONE
    assert command.out.strip() == "none waits"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["show", "h", "nobody"], "there is no payment"),
        (["settle", "h", "online", "nothing"], "waits for a person"),
        (["settle", "h", "elsewhere", "nothing"], "no payment account"),
        (["list", "nowhere"], "nowhere"),
    ],
)
def test_what_is_not_there_is_said(command: Command, arguments: list[str], told: str) -> None:
    assert command("payments", *arguments) != exits.DONE
    assert told in command.err


@pytest.mark.parametrize("arguments", [["show", "h"], ["list", "h", "one"], ["settle", "h", "online"]])
def test_the_wrong_number_of_names_is_refused(command: Command, arguments: list[str]) -> None:
    assert command("payments", *arguments) != exits.DONE
    assert "names behind the property" in command.err
