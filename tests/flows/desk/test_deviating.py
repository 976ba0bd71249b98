"""What was tolerated in a message of theirs is told when the message is looked at."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from gateway import registry
from gateway.engine.hotel import Hotel
from gateway.flows.desk.deviating import BYTES_MAX, deviations, meanings
from gateway.model.property import Connection
from gateway.store.tables import MessageRow
from tests.flows.house import channel, hotel

NAMESPACE = 'xmlns="http://www.opentravel.org/OTA/2003/05"'
SERVICES = SimpleNamespace(connectors=registry.discover())


def peer(connector: str = "opentravel", profile: str = "ota-2015a") -> Connection:
    return replace(channel("ota"), connector=connector, profile=profile)


async def seen(raw: bytes, known: Connection | None = None, **more: str) -> tuple[str, ...]:
    row = MessageRow(
        "h",
        1,
        connection="ota",
        direction="in",
        kind="OTA_PingRQ",
        at_ms=0,
        outcome="applied",
        detail="",
        rev=0,
        token=None,
        raw=raw,
        answer=b"",
    )
    config = Hotel(hotel(known or peer()), 1)
    return await deviations(SERVICES, config, row._replace(**more))  # type: ignore[arg-type]


async def test_a_message_as_it_should_be_has_none() -> None:
    assert await seen(f'<OTA_PingRQ {NAMESPACE} Version="1.0"><EchoData>a</EchoData></OTA_PingRQ>'.encode()) == ()


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ('<OTA_PingRQ Version="1.0"><EchoData>a</EchoData></OTA_PingRQ>', "namespace"),
        (f'<OTA_PingRQ {NAMESPACE} Version="1.0" Colour="red"><EchoData>a</EchoData></OTA_PingRQ>', "Colour"),
        (f'<OTA_PingRQ {NAMESPACE} Version="1.0"/>', "EchoData"),
    ],
)
async def test_what_was_tolerated_is_told(raw: str, told: str) -> None:
    (found,) = await seen(raw.encode())
    assert told in found


async def test_a_mask_is_no_deviation() -> None:
    raw = f'<OTA_PingRQ {NAMESPACE} Version="1.0" TimeStamp="***"><EchoData>a</EchoData></OTA_PingRQ>'
    assert await seen(raw.encode()) == ()


@pytest.mark.parametrize("more", [{"direction": "out"}, {"outcome": "refused"}, {"connection": "left"}])
async def test_only_what_they_said_and_was_taken_is_looked_at(more: dict[str, str]) -> None:
    assert await seen(b'<OTA_PingRQ Version="1.0"/>', peer(), **more) == ()


@pytest.mark.parametrize(
    "raw", [b"", b'[{"type": "PingReceived"}]', b"<OTA_PingRQ>" + b" " * BYTES_MAX + b"</OTA_PingRQ>"]
)
async def test_what_is_no_document_or_a_long_one_is_not_looked_at(raw: bytes) -> None:
    assert await seen(raw) == ()


@pytest.mark.parametrize("connection", [peer("webhook", "webhook"), peer("gone", "gone")])
async def test_connectors_that_inspect_nothing_tell_nothing(connection: Connection) -> None:
    assert await seen(b'<OTA_PingRQ Version="1.0"/>', connection) == ()


async def test_codes_are_told_of_a_message_and_of_its_answer_whoever_sent_it() -> None:
    row = MessageRow(
        "h",
        1,
        connection="ota",
        direction="out",
        kind="PushRates",
        at_ms=0,
        outcome="refused",
        detail="",
        rev=0,
        token=None,
        raw=b'<a><UniqueID Type="14" ID="1"/></a>',
        answer=b'<a><UniqueID Type="14" ID="1"/><Error Code="402">no</Error></a>',
    )
    told = await meanings(SERVICES, Hotel(hotel(peer()), 1), row)  # type: ignore[arg-type]
    assert told == ("UniqueID/@Type 14: reservation", "Error/@Code 402: Invalid room type")
    webhook = Hotel(hotel(peer("webhook", "webhook")), 1)
    assert await meanings(SERVICES, webhook, row) == ()  # type: ignore[arg-type]
    assert await meanings(SERVICES, webhook, row._replace(connection="gone")) == ()  # type: ignore[arg-type]
